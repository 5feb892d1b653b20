#include <algorithm>
#include <optional>

#include "tests/fuzz/actions.hpp"

namespace gradbook::fuzz {

namespace {

std::vector<X> differentiable(const Draft& draft) {
  return tensors_that(draft, [&](X x) {
    return draft.can_run_backward(x) && !draft.is_leaf(x) && draft.numel(x) > 0;
  });
}

/// A scalar of x, in which its elements have different parts.
X scalar_of(Draft& draft, const Taste& taste, X x) {
  Random& random = draft.random;
  if (draft.numel(x) == 1 && random.chance(0.7)) return x;
  X y = x;
  if (random.chance(0.6)) {
    const X weights = random_leaf(draft, taste, draft.shape(x), Values::any, false);
    y = draft.compute("mul", {x, weights}, draft.shape(x), draft.range(x) * draft.range(weights));
  }
  const std::size_t terms = draft.numel(y);
  if (random.chance(0.7)) return draft.compute("sum", {y}, {}, sum_of(terms, draft.range(y)));
  return draft.compute("mean", {y}, {}, draft.range(y));
}

Draft::Pass random_pass(Random& random, const Taste& taste) {
  return {random.chance(0.4), random.chance(0.5 * taste.second_order)};
}

/// Something to start from, and the gradient to start with if it is not a scalar.
std::pair<X, std::optional<X>> start(Draft& draft, const Taste& taste,
                                     const std::vector<X>& candidates) {
  const X x = operand_among(draft, candidates);
  if (!draft.random.chance(0.4)) return {scalar_of(draft, taste, x), std::nullopt};
  const X gradient = random_leaf(draft, taste, draft.shape(x), Values::any,
                                 draft.random.chance(0.3 * taste.second_order));
  return {x, gradient};
}

/// A gradient takes part in the program like anything else.
void go_on_with(Draft& draft, X gradient) {
  const Range range = draft.range(gradient);
  if (draft.random.chance(0.4)) {
    draft.compute("mul", {gradient}, draft.shape(gradient), times(0.1, range), scalar(0.1));
    return;
  }
  const X bounded = draft.compute("tanh", {gradient}, draft.shape(gradient), tanh(range));
  if (draft.random.chance(0.3)) {  // for what needs positive numbers
    draft.compute("exp", {bounded}, draft.shape(bounded), exp(tanh(range)));
  }
}

}  // namespace

bool run_backward(Draft& draft, const Taste& taste) {
  const auto candidates = differentiable(draft);
  if (candidates.empty()) return false;
  const auto [y, gradient] = start(draft, taste, candidates);
  if (!draft.can_run_backward(y)) return false;
  draft.backward(y, gradient, random_pass(draft.random, taste));
  if (draft.random.chance(0.25)) {
    // Some start anew before the next pass, some let gradients add up.
    const auto holders = tensors_that(draft, [&](X x) { return draft.has_gradient(x); });
    if (!holders.empty()) draft.zero_grad(draft.random.pick(holders));
  }
  return true;
}

bool run_grad(Draft& draft, const Taste& taste) {
  const auto candidates = differentiable(draft);
  if (candidates.empty()) return false;
  const auto [y, gradient] = start(draft, taste, candidates);
  if (!draft.can_run_backward(y)) return false;
  const X x = draft.random.pick(draft.parts_of(y));
  const X result = draft.grad(y, x, gradient, random_pass(draft.random, taste));
  if (draft.random.chance(0.7)) go_on_with(draft, result);
  return true;
}

bool differentiate_twice(Draft& draft, const Taste& taste) {
  const auto candidates = differentiable(draft);
  if (candidates.empty()) return false;
  Random& random = draft.random;
  const auto [y, gradient] = start(draft, taste, candidates);
  if (!draft.can_run_backward(y)) return false;
  const X x = random.pick(draft.parts_of(y));
  const X first = draft.grad(y, x, gradient, {random.chance(0.3), true});
  if (!draft.requires_grad(first)) return true;  // a constant
  const X loss = scalar_of(draft, taste, first);
  if (!draft.can_run_backward(loss)) return true;
  if (random.chance(0.5)) {
    draft.backward(loss, std::nullopt, random_pass(random, taste));
  } else {
    draft.grad(loss, random.pick(draft.parts_of(loss)), std::nullopt, random_pass(random, taste));
  }
  return true;
}

bool use_gradient(Draft& draft, const Taste&) {
  const auto holders = tensors_that(draft, [&](X x) { return draft.has_gradient(x); });
  if (holders.empty()) return false;
  go_on_with(draft, draft.grad_of(draft.random.pick(holders)));
  return true;
}

bool change_flag(Draft& draft, const Taste&) {
  Random& random = draft.random;
  const double kind = random.uniform();
  const auto holders = tensors_that(draft, [&](X x) { return draft.has_gradient(x); });
  if (kind < 0.35 && !holders.empty()) {
    draft.zero_grad(random.pick(holders));
    return true;
  }
  if (kind < 0.65) {
    const auto leaves = tensors_that(draft, [&](X x) { return draft.is_leaf(x); });
    const X x = operand_among(draft, leaves);
    draft.require_grad(x, draft.requires_grad(x) ? random.chance(0.3) : random.chance(0.9));
    return true;
  }
  const auto candidates = tensors_that(draft, [&](X x) { return draft.can_run_backward(x); });
  if (candidates.empty()) return false;
  draft.retain_grad(operand_among(draft, candidates));
  return true;
}

void finish(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  std::vector<X> candidates = differentiable(draft);
  std::erase_if(candidates, [&](X x) { return draft.uses(x) > 0; });
  if (candidates.size() > 3) candidates.erase(candidates.begin(), candidates.end() - 3);
  if (candidates.empty()) {
    // All is used up: start anew from what requires grad.
    auto sources =
        tensors_that(draft, [&](X x) { return draft.can_run_backward(x) && draft.numel(x) > 0; });
    if (sources.empty()) {
      sources.push_back(
          random_leaf(draft, taste, narrowed(random, taste.shape), Values::any, true));
    }
    const X x = operand_among(draft, sources);
    candidates.push_back(draft.compute("tanh", {x}, draft.shape(x), tanh(draft.range(x))));
  }
  std::optional<X> loss;
  for (const X x : candidates) {
    const X part = scalar_of(draft, taste, x);
    if (!draft.can_run_backward(part)) continue;
    if (!loss) {
      loss = part;
      continue;
    }
    const auto shape = *broadcast(draft.shape(*loss), draft.shape(part));
    loss = draft.compute("add", {*loss, part}, shape, draft.range(*loss) + draft.range(part));
  }
  if (loss) draft.backward(*loss, std::nullopt, random_pass(random, taste));
}

}  // namespace gradbook::fuzz
