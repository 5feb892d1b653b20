#include <algorithm>
#include <optional>

#include "tests/fuzz/mistakes.hpp"

namespace gradbook::fuzz {

X constant_leaf(Draft& draft, const Taste& taste, const Shape& shape) {
  return random_leaf(draft, taste, shape, Values::any, false);
}

std::optional<Shape> clashing(Random& random, const Shape& shape) {
  Shape result = shape;
  std::vector<std::size_t> dims;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] != 1) dims.push_back(d);
  }
  if (dims.empty()) return std::nullopt;
  std::size_t& size = result[random.pick(dims)];
  size += random.chance(0.5) || size < 3 ? 2 : 1;
  return result;
}

Shape longer(std::size_t size, const Shape& shape) {
  Shape result{size};
  for (const std::size_t each : shape) result.push_back(each);
  return result;
}

namespace {

/// An operand with a size that is not 1.
std::optional<X> wide_operand(Draft& draft) {
  const auto wide = tensors_that(draft, [&](X x) {
    const Shape& shape = draft.shape(x);
    return std::any_of(shape.begin(), shape.end(), [](std::size_t size) { return size != 1; });
  });
  if (wide.empty()) return std::nullopt;
  return operand_among(draft, wide);
}

bool clash(Draft& draft, const Taste& taste) {
  const auto x = wide_operand(draft);
  if (!x) return false;
  const X y = constant_leaf(draft, taste, *clashing(draft.random, draft.shape(*x)));
  const std::string op = draft.random.pick<std::string>({"add", "sub", "mul", "div", "gate"});
  draft.statement(op, draft.random.chance(0.5) ? std::vector{*x, y} : std::vector{y, *x});
  return true;
}

bool bad_matmul(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  const X x = operand(draft);
  const Shape shape = draft.shape(x);
  if (shape.empty() || random.chance(0.2)) {
    draft.statement("matmul", {x, constant_leaf(draft, taste, {})});
    return true;
  }
  const std::size_t inner = shape.back();
  Shape other;
  if (shape.size() > 2 && shape[0] > 1 && random.chance(0.5)) {
    // Only the batches do not fit.
    other = shape.size() == 4 ? Shape{shape[0] + 1, 1, inner, 2} : Shape{shape[0] + 1, inner, 2};
  } else {
    other = random.chance(0.4) ? Shape{inner + 1} : Shape{inner + 1, 2};
  }
  draft.statement("matmul", {x, constant_leaf(draft, taste, other)});
  return true;
}

bool bad_dim(Draft& draft, const Taste&) {
  Random& random = draft.random;
  const X x = operand(draft);
  const auto rank = static_cast<double>(std::max<std::size_t>(draft.shape(x).size(), 1));
  const double dim = random.chance(0.5) ? rank + static_cast<double>(random.below(2)) : -rank - 1;
  switch (random.below(4)) {
    case 0:
      draft.statement("sum", {x}, {{"dims", {dim}}});
      break;
    case 1:
      draft.statement("mean", {x}, {{"dims", {0, dim}}});
      break;
    case 2:
      draft.statement("transpose", {x}, {{"dim0", {0}}, {"dim1", {dim}}});
      break;
    default:
      draft.statement("argmax", {x}, {{"dim", {dim}}});
  }
  return true;
}

bool dim_twice(Draft& draft, const Taste&) {
  Random& random = draft.random;
  const X x = operand(draft);
  const std::size_t rank = std::max<std::size_t>(draft.shape(x).size(), 1);
  const std::size_t d = random.below(rank);
  std::vector<double> dims{static_cast<double>(d), written_dim(random, d, rank)};
  if (random.chance(0.5)) std::swap(dims[0], dims[1]);
  draft.statement(random.chance(0.5) ? "sum" : "mean", {x}, {{"dims", dims}});
  return true;
}

/// Can so many elements have these sizes, of which one may be -1?
bool can_be_reshaped(double count, const std::vector<double>& sizes) {
  double known = 1;
  int inferred = 0;
  for (const double size : sizes) {
    if (size < -1) return false;
    if (size == -1) ++inferred;
    if (size != -1) known *= size;
  }
  if (inferred == 0) return known == count;
  const auto divides = [&] {
    return static_cast<std::size_t>(count) % static_cast<std::size_t>(known) == 0;
  };
  return inferred == 1 && known > 0 && divides();
}

bool bad_reshape(Draft& draft, const Taste&) {
  const X x = operand(draft);
  const auto count = static_cast<double>(draft.numel(x));
  std::vector<std::vector<double>> choices = {{count + 1},     {2, count}, {-1, -1}, {-2, count},
                                              {-1, count + 1}, {0, -1},    {}};
  std::erase_if(choices, [&](const auto& sizes) { return can_be_reshaped(count, sizes); });
  draft.statement("reshape", {x}, {{"shape", draft.random.pick(choices)}});
  return true;
}

bool bad_expand(Draft& draft, const Taste&) {
  const auto x = wide_operand(draft);
  if (!x) return false;
  const Shape shape = draft.shape(*x);
  if (draft.random.chance(0.5)) {
    draft.statement(draft.random.chance(0.5) ? "expand" : "sum_to", {*x},
                    shape_attribute(*clashing(draft.random, shape)));
  } else {
    draft.statement("sum_to", {*x}, shape_attribute(longer(2, shape)));
  }
  return true;
}

bool argmax_of_nothing(Draft& draft, const Taste& taste) {
  const X x = constant_leaf(draft, taste, draft.random.chance(0.5) ? Shape{0} : Shape{2, 0});
  draft.statement("argmax", {x},
                  draft.random.chance(0.5) ? Attributes() : Attributes{{"dim", {-1}}});
  return true;
}

bool write_that_does_not_fit(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  const X original = operand(draft);
  const Shape shape = draft.shape(original);
  const X x = draft.compute("clone", {original}, shape, draft.range(original));
  const std::optional<Shape> clash = clashing(random, shape);
  const X y = constant_leaf(
      draft, taste, clash && random.chance(0.4) ? *clash : longer(random.between(1, 2), shape));
  draft.statement(random.pick<std::string>({"add_", "sub_", "mul_", "copy_"}), {x, y});
  return true;
}

}  // namespace

const std::vector<Mistake>& shape_mistakes() {
  static const std::vector<Mistake> all = {
      clash,       bad_matmul, bad_dim,           dim_twice,
      bad_reshape, bad_expand, argmax_of_nothing, write_that_does_not_fit};
  return all;
}

}  // namespace gradbook::fuzz
