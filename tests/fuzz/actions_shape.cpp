#include <algorithm>

#include "tests/fuzz/actions.hpp"

namespace gradbook::fuzz {

namespace {

/// All but the last two dimensions.
Shape batch_of(const Shape& shape) {
  const auto last = static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, shape.size()));
  return {shape.begin(), shape.end() - last};
}

/// The shape of a product of matrices (vectors) that fit.
Shape product_shape(const Shape& a, const Shape& b) {
  Shape result = *fuzz::broadcast(batch_of(a), batch_of(b));
  if (a.size() > 1) result.push_back(a[a.size() - 2]);
  if (b.size() > 1) result.push_back(b.back());
  return result;
}

bool fits_as_second(const Shape& a, const Shape& b) {
  if (a.empty() || b.empty()) return false;
  if (a.back() != b[b.size() == 1 ? 0 : b.size() - 2]) return false;
  return fuzz::broadcast(batch_of(a), batch_of(b)).has_value() &&
         numel_of(product_shape(a, b)) <= largest_numel;
}

/// A shape with which a matrix (vector) of shape `a` can be multiplied.
Shape random_second(Random& random, const Shape& a) {
  const std::size_t inner = a.back();
  if (random.chance(0.25)) return {inner};
  Shape result;
  if (a.size() > 2 && random.chance(0.6)) {
    result = narrowed(random, Shape(a.begin(), a.end() - 2));
  } else if (random.chance(0.25)) {
    result.push_back(random.between(1, 2));
    if (a.size() > 2 && a[a.size() - 3] != 1) result.back() = a[a.size() - 3];
  }
  result.push_back(inner);
  result.push_back(random.between(1, 3));
  return result;
}

X multiply(Draft& draft, X a, X b) {
  const std::size_t inner = draft.shape(a).back();
  const Range product = draft.range(a) * draft.range(b);
  return tamed(draft, draft.compute("matmul", {a, b}, product_shape(draft.shape(a), draft.shape(b)),
                                    sum_of(inner, product)));
}

X transposed(Draft& draft, X x, std::size_t dim0, std::size_t dim1) {
  Shape shape = draft.shape(x);
  std::swap(shape[dim0], shape[dim1]);
  const std::size_t rank = shape.size();
  return draft.compute("transpose", {x}, shape, draft.range(x),
                       {{"dim0", {written_dim(draft.random, dim0, rank)}},
                        {"dim1", {written_dim(draft.random, dim1, rank)}}});
}

/// Another shape of as many elements.
Shape rearranged(Random& random, const Shape& shape) {
  std::vector<std::size_t> sizes;
  std::size_t left = numel_of(shape);
  while (left > 1 && sizes.size() < 3) {
    std::vector<std::size_t> divisors;
    for (std::size_t size = 2; size <= left; ++size) {
      if (left % size == 0) divisors.push_back(size);
    }
    sizes.push_back(random.pick(divisors));
    left /= sizes.back();
  }
  if (left != 1) sizes.push_back(left);
  if (random.chance(0.3)) {
    const std::size_t at = random.between(0, sizes.size());
    sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(at), 1);
  }
  return {sizes.begin(), sizes.end()};
}

X reshaped(Draft& draft, X x) {
  Random& random = draft.random;
  const Shape shape = rearranged(random, draft.shape(x));
  Attributes attributes = shape_attribute(shape);
  std::vector<double>& sizes = attributes[0].second;
  if (!sizes.empty() && numel_of(shape) > 0 && random.chance(0.4)) {
    sizes[random.below(sizes.size())] = -1;
  }
  return draft.alias("reshape", x, shape, attributes);
}

X expanded(Draft& draft, X x) {
  Random& random = draft.random;
  Shape shape = draft.shape(x);
  for (std::size_t& size : shape) {
    if (size == 1 && random.chance(0.7)) size = random.between(1, 3);
  }
  if (shape.size() < 4 && random.chance(0.5)) {
    Shape longer{random.between(1, 3)};
    for (const std::size_t size : shape) longer.push_back(size);
    shape = longer;
  }
  if (numel_of(shape) > largest_numel) shape = draft.shape(x);
  return draft.compute("expand", {x}, shape, draft.range(x), shape_attribute(shape));
}

X summed_to(Draft& draft, X x) {
  const Shape shape = narrowed(draft.random, draft.shape(x));
  const std::size_t terms =
      std::max<std::size_t>(draft.numel(x), 1) / std::max<std::size_t>(numel_of(shape), 1);
  return tamed(draft,
               draft.compute("sum_to", {x}, shape, hull(sum_of(terms, draft.range(x)), {0, 0}),
                             shape_attribute(shape)));
}

}  // namespace

bool product_of_matrices(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  const auto matrices = tensors_that(draft, [&](X x) {
    return !draft.shape(x).empty() && draft.shape(x).size() <= 4 && draft.range(x).largest() < 40;
  });
  if (matrices.empty()) return false;
  const X a = operand_among(draft, matrices);
  const auto seconds =
      tensors_that(draft, [&](X b) { return fits_as_second(draft.shape(a), draft.shape(b)); });
  if (!seconds.empty() && random.chance(0.5)) {
    multiply(draft, a, operand_among(draft, seconds));
    return true;
  }
  const std::size_t rank = draft.shape(a).size();
  if (rank >= 2 && random.chance(0.25)) {
    const X turned = transposed(draft, a, rank - 2, rank - 1);
    if (random.chance(0.5) && fits_as_second(draft.shape(turned), draft.shape(a))) {
      multiply(draft, turned, a);
    } else if (fits_as_second(draft.shape(a), draft.shape(turned))) {
      multiply(draft, a, turned);
    }
    return true;
  }
  const Shape shape = random_second(random, draft.shape(a));
  if (!fits_as_second(draft.shape(a), shape)) return false;
  multiply(draft, a, random_leaf(draft, taste, shape, Values::any, random.chance(0.7)));
  return true;
}

bool reduction(Draft& draft, const Taste&) {
  Random& random = draft.random;
  const X x = operand(draft);
  const Shape& shape = draft.shape(x);
  std::vector<double> dims;
  std::vector<bool> is_reduced(shape.size(), false);
  if (random.chance(0.75)) {
    for (std::size_t d = 0; d < shape.size(); ++d) is_reduced[d] = random.chance(0.45);
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (is_reduced[d]) dims.push_back(written_dim(random, d, shape.size()));
    }
    if (dims.size() > 1 && random.chance(0.4)) std::swap(dims.front(), dims.back());
    if (shape.empty() && random.chance(0.3)) dims.push_back(random.chance(0.5) ? 0 : -1);
  }
  if (dims.empty()) is_reduced.assign(shape.size(), true);
  const bool keepdim = random.chance(0.4);
  Shape result;
  std::size_t terms = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (is_reduced[d]) terms *= shape[d];
    if (!is_reduced[d] || keepdim) result.push_back(is_reduced[d] ? 1 : shape[d]);
  }
  Attributes attributes;
  if (!dims.empty() || random.chance(0.2)) attributes.push_back({"dims", dims});
  if (keepdim) attributes.push_back({"keepdim", {1}});
  // The mean of nothing is NaN.
  const bool is_mean = terms > 0 && random.chance(0.45);
  const Range range = is_mean ? draft.range(x) : sum_of(terms, draft.range(x));
  tamed(draft, draft.compute(is_mean ? "mean" : "sum", {x}, result, range, attributes));
  return true;
}

bool new_shape(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  const X x = operand(draft);
  const std::size_t rank = draft.shape(x).size();
  double kind = random.uniform(0, 4 + taste.aliases);
  // A view made without recording is an intended difference: seldom.
  const bool would_be_view = kind >= 3.5 || (kind < 1 && rank == 0);
  if (would_be_view && !draft.recording() && draft.requires_grad(x) && random.chance(0.75)) {
    kind = 3;
  }
  if (kind < 1) {
    const std::size_t dims = std::max<std::size_t>(rank, 1);
    if (rank == 0) {  // an alias: there is nothing to copy
      draft.alias("transpose", x, draft.shape(x), {{"dim0", {0}}, {"dim1", {-1}}});
    } else {
      transposed(draft, x, random.below(dims), random.below(dims));
    }
  } else if (kind < 2) {
    expanded(draft, x);
  } else if (kind < 3) {
    summed_to(draft, x);
  } else if (kind < 3.5) {
    draft.compute("clone", {x}, draft.shape(x), draft.range(x));
  } else {
    reshaped(draft, x);
  }
  return true;
}

bool cut_off(Draft& draft, const Taste&) {
  const X x = operand(draft);
  draft.alias("detach", x, draft.shape(x));
  return true;
}

bool index_of_largest(Draft& draft, const Taste&) {
  const X x = operand(draft);
  const Shape& shape = draft.shape(x);
  if (numel_of(shape) == 0) return false;
  if (draft.random.chance(0.4)) {
    draft.statement("argmax", {x});
  } else {
    const std::size_t d = shape.empty() ? 0 : draft.random.below(shape.size());
    draft.statement("argmax", {x}, {{"dim", {written_dim(draft.random, d, shape.size())}}});
  }
  return true;
}

}  // namespace gradbook::fuzz
