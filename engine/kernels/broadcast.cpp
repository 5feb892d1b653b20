#include "engine/kernels/broadcast.hpp"

namespace gradbook::kernels {

template <std::size_t N>
LoopPlan<N> plan_loop(const Shape& result, const std::array<const Shape*, N>& operands) {
  LoopPlan<N> plan;
  std::array<std::size_t, N> stride;
  stride.fill(1);
  for (std::size_t back = 1; back <= result.size(); ++back) {
    const std::size_t size = result[result.size() - back];
    std::array<std::size_t, N> step{};
    for (std::size_t k = 0; k < N; ++k) {
      if (operands[k] == nullptr || back > operands[k]->size()) continue;
      const std::size_t own = (*operands[k])[operands[k]->size() - back];
      if (own != 1) step[k] = stride[k];
      stride[k] *= own;
    }
    if (size == 1) continue;
    if (!plan.dims.empty()) {
      auto& inner = plan.dims.back();
      bool alike = true;
      for (std::size_t k = 0; k < N; ++k) alike = alike && step[k] == inner.step[k] * inner.size;
      if (alike) {
        inner.size *= size;
        continue;
      }
    }
    plan.dims.push_back({size, step});
  }
  if (plan.dims.empty()) plan.dims.push_back({1, {}});
  return plan;
}

template LoopPlan<1> plan_loop(const Shape&, const std::array<const Shape*, 1>&);
template LoopPlan<2> plan_loop(const Shape&, const std::array<const Shape*, 2>&);
template LoopPlan<3> plan_loop(const Shape&, const std::array<const Shape*, 3>&);

}  // namespace gradbook::kernels
