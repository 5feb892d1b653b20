#include <algorithm>

#include "tests/fuzz/actions.hpp"

namespace gradbook::fuzz {

namespace {

/// May it be written to, so that nothing is refused, now or when gradients are asked for?
bool may_be_written(const Draft& draft, X x) {
  if (draft.is_saved(x)) return false;
  if (!draft.recording()) return true;
  if (draft.requires_grad(x) && draft.is_leaf(x)) return false;
  return !(draft.requires_grad(x) && draft.is_aliased_by_reshape(x));
}

/// Something to write to: what is there, or a copy, or an alias of it.
X target(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  const auto fitting = tensors_that(draft, [&](X x) { return may_be_written(draft, x); });
  if (!fitting.empty() && random.chance(0.6)) {
    const X x = operand_among(draft, fitting);
    if (!random.chance(0.25 * taste.aliases)) return x;
    return draft.alias("detach", x, draft.shape(x));
  }
  const X x = operand(draft);
  return draft.compute("clone", {x}, draft.shape(x), draft.range(x));
}

/// What may stand on the right of a write to x.
X source(Draft& draft, const Taste& taste, X x) {
  const bool may_record = !draft.is_aliased_by_reshape(x) || !draft.recording();
  const auto fitting = tensors_that(draft, [&](X y) {
    const auto shape = broadcast(draft.shape(x), draft.shape(y));
    return shape && *shape == draft.shape(x) && (may_record || !draft.requires_grad(y));
  });
  if (!fitting.empty() && draft.random.chance(0.65)) return operand_among(draft, fitting);
  return random_leaf(draft, taste, narrowed(draft.random, draft.shape(x)), Values::any,
                     may_record && draft.random.chance(0.3));
}

void write_scalar(Draft& draft, X x, const Range& range) {
  Random& random = draft.random;
  const double constant = constant_between(random, -1.5, 1.5);
  switch (random.below(3)) {
    case 0:
      draft.write("add_", {x}, range + scalar_range(constant), scalar(constant));
      break;
    case 1:
      draft.write("sub_", {x}, range - scalar_range(constant), scalar(constant));
      break;
    default:
      draft.write("mul_", {x}, times(constant, range), scalar(constant));
  }
}

void write_tensor(Draft& draft, const Taste& taste, X x) {
  Random& random = draft.random;
  const X y = source(draft, taste, x);
  const Range a = draft.range(x);
  const Range b = draft.range(y);
  const double kind = random.uniform();
  if (kind < 0.22) {
    draft.write("add_", {x, y}, a + b);
  } else if (kind < 0.42) {
    draft.write("sub_", {x, y}, a - b);
  } else if (kind < 0.65 && a.largest() * b.largest() < 1000) {
    draft.write("mul_", {x, y}, a * b);
  } else {
    draft.write("copy_", {x, y}, b);
  }
}

void write_to(Draft& draft, const Taste& taste, X x) {
  const double kind = draft.random.uniform();
  if (kind < 0.2) {
    draft.write("zero_", {x}, scalar_range(0));
  } else if (kind < 0.48) {
    write_scalar(draft, x, draft.range(x));
  } else {
    write_tensor(draft, taste, x);
  }
}

/// x -= rate * its gradient, for a leaf that has one.
bool descend(Draft& draft) {
  const auto leaves = tensors_that(draft, [&](X x) {
    return draft.requires_grad(x) && draft.is_leaf(x) && draft.has_gradient(x) &&
           !draft.is_saved(x);
  });
  if (leaves.empty()) return false;
  const X x = operand_among(draft, leaves);
  const X gradient = draft.grad_of(x);
  if (draft.random.chance(0.25)) {  // with momentum, so to speak
    draft.write("mul_", {gradient}, draft.range(gradient), scalar(0.9));
  }
  const Range small{-0.5, 0.5};
  const X step = draft.compute("mul", {gradient}, draft.shape(gradient), small, scalar(0.1));
  draft.write("sub_", {x, step}, draft.range(x) - small);
  return true;
}

}  // namespace

bool write_in_place(Draft& draft, const Taste& taste) {
  write_to(draft, taste, target(draft, taste));
  return true;
}

bool without_recording(Draft& draft, const Taste& taste) {
  if (!draft.recording()) return false;
  Random& random = draft.random;
  draft.set_recording(false);
  const std::size_t lines = random.between(1, 3);
  if (!random.chance(0.4) || !descend(draft)) {
    for (std::size_t i = 0; i < lines; ++i) {
      const double kind = random.uniform();
      if (kind < 0.35) {
        write_in_place(draft, taste);
      } else if (kind < 0.5) {
        new_shape(draft, taste);
      } else if (kind < 0.7) {
        binary(draft, taste);
      } else if (kind < 0.85) {
        unary(draft, taste);
      } else {
        of_positive(draft, taste);
      }
    }
  }
  draft.set_recording(true);
  return true;
}

}  // namespace gradbook::fuzz
