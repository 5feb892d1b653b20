#include <algorithm>
#include <optional>

#include "tests/fuzz/mistakes.hpp"

namespace gradbook::fuzz {

X intermediate(Draft& draft, const Taste& taste) {
  const auto found =
      tensors_that(draft, [&](X x) { return draft.can_run_backward(x) && !draft.is_leaf(x); });
  if (!found.empty()) return operand_among(draft, found);
  const X x = random_leaf(draft, taste, taste.shape, Values::any, true);
  return draft.compute("mul", {x, x}, draft.shape(x), draft.range(x) * draft.range(x));
}

X total(Draft& draft, X x) {
  return draft.compute("sum", {x}, {}, sum_of(draft.numel(x), draft.range(x)));
}

namespace {

bool not_a_scalar(Draft& draft, const Taste& taste) {
  const X x = intermediate(draft, taste);
  if (draft.numel(x) == 1) return false;
  if (draft.random.chance(0.5)) {
    draft.statement("backward", {x});
  } else {
    draft.statement("grad", {x, draft.random.pick(draft.parts_of(x))});
  }
  return true;
}

bool backward_twice(Draft& draft, const Taste& taste) {
  X x = intermediate(draft, taste);
  if (draft.numel(x) == 0) return false;
  if (!draft.saves_something(x))
    x = draft.compute("tanh", {x}, draft.shape(x), tanh(draft.range(x)));
  const X y = total(draft, x);
  draft.backward(y, std::nullopt, {});
  const X again = draft.random.chance(0.5) ? y : total(draft, x);
  draft.statement("backward", {again});
  return true;
}

bool bad_gradient(Draft& draft, const Taste& taste) {
  const X x = intermediate(draft, taste);
  const auto shape = clashing(draft.random, draft.shape(x));
  if (!shape) return false;
  const X gradient = constant_leaf(draft, taste, *shape);
  if (draft.random.chance(0.6)) {
    draft.statement("backward", {x, gradient});
  } else {
    draft.statement("grad", {x, draft.random.pick(draft.parts_of(x)), gradient});
  }
  return true;
}

bool smaller_gradient(Draft& draft, const Taste& taste) {
  const X x = intermediate(draft, taste);
  const Shape shape = narrowed(draft.random, draft.shape(x));
  if (shape == draft.shape(x)) return false;
  draft.statement("backward", {x, constant_leaf(draft, taste, shape)});
  return true;
}

bool from_nowhere(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  X y = 0;
  if (random.chance(0.5)) {
    const X x = intermediate(draft, taste);
    y = total(draft, draft.alias("detach", x, draft.shape(x)));
  } else {
    const X x = constant_leaf(draft, taste, taste.shape);
    y = total(draft, x);
  }
  draft.statement("backward", {y});
  return true;
}

bool unused_input(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  const X y = total(draft, intermediate(draft, taste));
  const bool is_constant = random.chance(0.3);
  const X x = random_leaf(draft, taste, narrowed(random, taste.shape), Values::any, !is_constant);
  draft.statement(
      "grad", {y, x},
      is_constant && random.chance(0.5) ? Attributes{{"allow_unused", {1}}} : Attributes());
  return true;
}

bool gradient_without_history(Draft& draft, const Taste& taste) {
  const X y = total(draft, intermediate(draft, taste));
  const X x = draft.random.pick(draft.parts_of(y));
  const X gradient = draft.grad(y, x, std::nullopt, {draft.random.chance(0.5), false});
  draft.statement("backward", {total(draft, gradient)});
  return true;
}

// --- writes and flags ----------------------------------------------------------------------------

bool write_to_leaf(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  const auto leaves =
      tensors_that(draft, [&](X x) { return draft.requires_grad(x) && draft.is_leaf(x); });
  X x = leaves.empty() ? random_leaf(draft, taste, taste.shape, Values::any, true)
                       : operand_among(draft, leaves);
  if (random.chance(0.25)) {
    const Shape flat{draft.numel(x)};
    x = draft.alias("reshape", x, flat, shape_attribute(flat));
  }
  if (random.chance(0.5)) {
    draft.statement("zero_", {x});
  } else {
    draft.statement(random.pick<std::string>({"add_", "sub_", "mul_"}), {x}, scalar(0.5));
  }
  return true;
}

bool saved_value(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  X h = intermediate(draft, taste);
  if (draft.numel(h) == 0) return false;
  X y = 0;
  if (random.chance(0.5)) {
    // A saved result.
    h = draft.compute("tanh", {h}, draft.shape(h), tanh(draft.range(h)));
    y = total(draft, h);
  } else {
    // A saved input.
    h = draft.compute("add", {h}, draft.shape(h), draft.range(h), scalar(1));
    y = total(draft, draft.compute("mul", {h, h}, draft.shape(h), draft.range(h) * draft.range(h)));
  }
  const X written = random.chance(0.4) ? draft.alias("detach", h, draft.shape(h)) : h;
  draft.write("add_", {written}, draft.range(h) + scalar_range(1), scalar(1));
  draft.statement("backward", {y});
  return true;
}

bool flag_of_result(Draft& draft, const Taste& taste) {
  if (draft.random.chance(0.5)) {
    draft.statement("requires_grad_", {intermediate(draft, taste)}, {{"wanted", {0}}});
  } else {
    draft.statement("retain_grad", {constant_leaf(draft, taste, taste.shape)});
  }
  return true;
}

bool gradient_that_is_not_there(Draft& draft, const Taste&) {
  const auto without = tensors_that(draft, [&](X x) { return !draft.has_gradient(x); });
  if (without.empty()) return false;
  const X gradient = draft.statement("grad_of", {draft.random.pick(without)});
  draft.statement(draft.random.pick<std::string>({"neg", "sum", "detach", "relu", "zero_"}),
                  {gradient});
  return true;
}

}  // namespace

const std::vector<Mistake>& gradient_mistakes() {
  static const std::vector<Mistake> all = {not_a_scalar,  backward_twice,
                                           bad_gradient,  smaller_gradient,
                                           from_nowhere,  unused_input,
                                           write_to_leaf, gradient_without_history,
                                           saved_value,   gradient_that_is_not_there,
                                           flag_of_result};
  return all;
}

}  // namespace gradbook::fuzz
