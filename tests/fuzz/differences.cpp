#include <optional>

#include "tests/fuzz/mistakes.hpp"

// Lines of which parity::differences() says that the engine and LibTorch are meant to differ.

namespace gradbook::fuzz {

namespace {

bool recorded_write_through_reshape(Draft& draft, const Taste& taste) {
  const X h = intermediate(draft, taste);
  const X x = draft.compute("add", {h}, draft.shape(h), draft.range(h), scalar(1));
  const Shape flat{draft.numel(x)};
  const X alias = draft.alias("reshape", x, flat, shape_attribute(flat));
  draft.statement("mul_", {draft.random.chance(0.5) ? x : alias}, scalar(0.5));
  return true;
}

bool larger_gradient(Draft& draft, const Taste& taste) {
  const X x = intermediate(draft, taste);
  const X gradient = constant_leaf(draft, taste, longer(2, draft.shape(x)));
  if (draft.random.chance(0.5)) {
    draft.statement("backward", {x, gradient});
  } else {
    draft.statement("grad", {x, draft.random.pick(draft.parts_of(x)), gradient});
  }
  return true;
}

bool unread_value_changed(Draft& draft, const Taste& taste) {
  const X x = random_leaf(draft, taste, taste.shape, Values::any, true);
  const X w = random_leaf(draft, taste, taste.shape, Values::any, true);
  const X y =
      total(draft, draft.compute("mul", {x, w}, taste.shape, draft.range(x) * draft.range(w)));
  const X changed = draft.random.chance(0.5) ? x : w;
  const X cut = draft.alias("detach", changed, taste.shape);
  draft.write("add_", {cut}, draft.range(cut) + scalar_range(1), scalar(1));
  draft.statement("grad", {y, changed});
  return true;
}

bool mean_over_dims_again(Draft& draft, const Taste& taste) {
  const Shape shape{2, 3};
  const X x = random_leaf(draft, taste, shape, Values::any, true);
  const X h = draft.compute("add", {x}, shape, draft.range(x), scalar(1));
  const X y = total(draft, draft.compute("mean", {h}, {3}, draft.range(h), {{"dims", {0}}}));
  if (draft.random.chance(0.5)) {
    draft.backward(y, std::nullopt, {});
  } else {
    draft.write("add_", {h}, draft.range(h) + scalar_range(1), scalar(1));
  }
  draft.statement("backward", {y});
  return true;
}

bool broadcast_operand_changed(Draft& draft, const Taste& taste) {
  const X a = random_leaf(draft, taste, {2, 1, 2, 2}, Values::any, true);
  const X b = random_leaf(draft, taste, {1, 3, 2, 2}, Values::any, true);
  const X y = total(draft, draft.compute("matmul", {a, b}, {2, 3, 2, 2},
                                         sum_of(2, draft.range(a) * draft.range(b))));
  const X cut = draft.alias("detach", a, draft.shape(a));
  draft.write("add_", {cut}, draft.range(cut) + scalar_range(1), scalar(1));
  draft.statement("backward", {y});
  return true;
}

}  // namespace

void provoke_difference(Draft& draft, const Taste& taste) {
  static const std::vector<Mistake> all = {recorded_write_through_reshape, larger_gradient,
                                           unread_value_changed, mean_over_dims_again,
                                           broadcast_operand_changed};
  draft.random.pick(all)(draft, taste);
}

void make_mistake(Draft& draft, const Taste& taste) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const bool about_shapes = draft.random.chance(0.45);
    const auto& kinds = about_shapes ? shape_mistakes() : gradient_mistakes();
    if (draft.random.pick(kinds)(draft, taste)) return;
  }
}

}  // namespace gradbook::fuzz
