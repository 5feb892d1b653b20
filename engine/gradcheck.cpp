#include "engine/gradcheck.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/random.hpp"

namespace gradbook {

GradcheckResult gradcheck(const std::function<Tensor64(const std::vector<Tensor64>&)>& function,
                          const std::vector<Tensor64>& inputs, GradcheckOptions options) {
  std::vector<Snapshot> points;
  std::vector<Tensor64> leaves;
  for (const Tensor64& input : inputs) {
    points.push_back(input.snapshot());
    leaves.push_back(Tensor64::from(points.back(), requires_grad));
  }
  const Tensor64 output = function(leaves);
  const Tensor64 weights = RandomState(options.seed).randn<double>(output.shape());
  std::vector<Tensor64> gradients(leaves.size());
  if (output.requires_grad()) {
    gradients = grad<double>({(output * weights).sum()}, leaves, {}, {.allow_unused = true});
  }

  const auto weighted_output = [&](const std::vector<Snapshot>& at) {
    std::vector<Tensor64> tensors;
    for (const Snapshot& point : at) tensors.push_back(Tensor64::from(point, requires_grad));
    return (function(tensors) * weights).sum().item();
  };
  GradcheckResult result;
  double worst = -1;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t k = 0; k < points[i].values.size(); ++k) {
      std::vector<Snapshot> moved = points;
      moved[i].values[k] = points[i].values[k] + options.step;
      const double above = weighted_output(moved);
      moved[i].values[k] = points[i].values[k] - options.step;
      const double below = weighted_output(moved);
      const double numerical = (above - below) / (2 * options.step);
      const double analytic = gradients[i].defined() ? gradients[i].array().data()[k] : 0;
      const double error = std::abs(analytic - numerical);
      const double allowance = options.atol + options.rtol * std::abs(numerical);
      // Written so that a NaN fails.
      if (!(error <= allowance)) result.ok = false;
      if (const double ratio = error / allowance; !std::isnan(worst) && !(ratio <= worst)) {
        worst = ratio;
        result.largest_error = error;
        result.allowance = allowance;
        result.where = fmt::format("input {}, element {}", i, k);
      }
    }
  }
  return result;
}

}  // namespace gradbook
