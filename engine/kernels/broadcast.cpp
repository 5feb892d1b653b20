#include "engine/kernels/broadcast.hpp"

#include <algorithm>

namespace gradbook::kernels {

template <std::size_t N>
LoopPlan<N> plan_loop(const Shape& result, const std::array<const Shape*, N>& operands) {
  std::array<Shape, N> strides;
  for (std::size_t k = 0; k < N; ++k) {
    if (operands[k] != nullptr) strides[k] = contiguous_strides(*operands[k]);
  }
  const auto step_along = [&](std::size_t k, std::size_t dim) -> std::size_t {
    if (operands[k] == nullptr) return 0;
    const std::size_t lead = result.size() - operands[k]->size();
    if (dim < lead || (*operands[k])[dim - lead] == 1) return 0;
    return strides[k][dim - lead];
  };

  // Collected innermost first, then reversed.
  LoopPlan<N> plan;
  for (std::size_t dim = result.size(); dim-- > 0;) {
    if (result[dim] == 1) continue;
    bool merge = !plan.sizes.empty();
    for (std::size_t k = 0; merge && k < N; ++k) {
      merge = step_along(k, dim) == plan.steps[k].back() * plan.sizes.back();
    }
    if (merge) {
      plan.sizes.back() *= result[dim];
      continue;
    }
    plan.sizes.push_back(result[dim]);
    for (std::size_t k = 0; k < N; ++k) plan.steps[k].push_back(step_along(k, dim));
  }
  if (plan.sizes.empty()) {
    plan.sizes.push_back(1);
    for (Shape& steps : plan.steps) steps.push_back(0);
  }
  std::reverse(plan.sizes.begin(), plan.sizes.end());
  for (Shape& steps : plan.steps) std::reverse(steps.begin(), steps.end());
  return plan;
}

template LoopPlan<1> plan_loop(const Shape&, const std::array<const Shape*, 1>&);
template LoopPlan<2> plan_loop(const Shape&, const std::array<const Shape*, 2>&);
template LoopPlan<3> plan_loop(const Shape&, const std::array<const Shape*, 3>&);

}  // namespace gradbook::kernels
