// One row per engine operation: how LibTorch runs it, and the scale of what its results sum up.
// Internal to reference/.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "engine/trace.hpp"
#include "reference/torch.hpp"

namespace gradbook::reference {

using Tensors = std::vector<at::Tensor>;

/// The attributes of a traced operation.
class Constants {
 public:
  Constants(const Attributes& attributes, Precision precision)
      : attributes_(attributes), precision_(precision) {}

  /// Throw std::out_of_range for a name that is not there.
  const std::vector<double>& numbers(std::string_view name) const;
  double number(std::string_view name) const { return numbers(name).at(0); }
  std::vector<std::int64_t> integers(std::string_view name) const;
  /// The operand `scalar`, rounded as the engine does.
  double scalar() const { return rounded(number("scalar")); }
  /// `value` in the precision of the trace.
  double rounded(double value) const;

 private:
  const Attributes& attributes_;
  Precision precision_;
};

/// A vjp as it was asked for, and what came of it.
struct VjpCall {
  const at::Tensor& g;
  const Tensors& inputs;
  const Constants& constants;
  const at::Tensor& output;
  const at::Tensor& result;
};

/// Where the scale of a vjp comes from: the vjp of |g|, computed
enum class VjpScale {
  at_inputs,      ///< at the inputs as they are
  of_magnitudes,  ///< at their absolute values: where a gradient sums products of both signs
};

struct Row {
  std::string_view name;
  /// The operation. Its result shares memory with an input only where the engine's does.
  at::Tensor (*run)(const Tensors& inputs, const Constants& constants);
  /// The same for a whole program, where LibTorch's own form would save more for backward than the
  /// engine's (engine/parity.md); null: run.
  at::Tensor (*run_in_program)(const Tensors& inputs, const Constants& constants) = nullptr;
  /// The same in place on inputs[0]; null: there is no such form.
  void (*write)(const Tensors& inputs, const Constants& constants) = nullptr;
  /// Likewise for a whole program; null: write.
  void (*write_in_program)(const Tensors& inputs, const Constants& constants) = nullptr;
  /// How many numbers each element of the result sums up; null: it does not, and its own magnitude
  /// is its scale.
  double (*terms)(const Tensors& inputs, const Constants& constants,
                  const at::Tensor& output) = nullptr;
  VjpScale vjp_scale = VjpScale::at_inputs;
  /// The scale of a vjp whose formula cancels inside; null: vjp_scale says all.
  at::Tensor (*own_vjp_scale)(const VjpCall& call) = nullptr;
  /// False for what exists in place only.
  bool out_of_place = true;
};

/// The row for the traced name of an operation ("mul", "mul_"), or null.
const Row* row_of(std::string_view operation);

/// One operation on given inputs, in the dtype of the inputs. What LibTorch has to do for it, it
/// does once: the result and the vjps of all inputs come from one recorded run.
struct OneStep {
  const Row& row;
  Constants constants;
  Tensors inputs;

  /// Of the recorded run, if one was made; else of one that is not recorded.
  at::Tensor result() const;
  /// Per element of the result, the scale of what was summed; 0 where nothing was.
  at::Tensor result_scale(const at::Tensor& output) const;
  /// The gradient of inputs[input] given `g`, that of the result; zeros where there is none.
  at::Tensor vjp(std::size_t input, const at::Tensor& g) const;
  /// Per element of `result`, which vjp(input, g) gave, the scale of what was summed; 0
  /// where nothing was.
  at::Tensor vjp_scale(std::size_t input, const at::Tensor& g, const at::Tensor& result) const;
  /// How many numbers each element of the result, or of a vjp, sums up; 1 where it sums nothing.
  double terms(const at::Tensor& output) const;
  double vjp_terms(std::size_t input, const at::Tensor& g) const;
  /// Makes the recorded run, if it was not made yet.
  void record() const;
  /// From now on vjps read the engine's `result` where they read the result: it is an input of
  /// theirs, and one step's rounding is not to be held against the next.
  void read_in_vjps(const at::Tensor& result) const;

  /// A run that was recorded, and its vjps of the gradient it was last asked for.
  struct Recorded {
    Tensors leaves;
    at::Tensor output;
    at::Tensor result;  // a copy: what the vjps read of the output may become the engine's
    at::Tensor g = {};
    Tensors gradients = {};
  };
  mutable std::optional<Recorded> recorded = {};  ///< on `inputs`

 private:
  bool is_matmul() const { return row.name == "matmul"; }
  at::Tensor run_on(const Tensors& values) const;
  Recorded recorded_run(const Tensors& values) const;
  at::Tensor vjp_of(Recorded& run, std::size_t input, const at::Tensor& g) const;
};

/// 0 in place of NaN and infinities: the scale of a sum is that of its finite terms. The others
/// leave nothing of it that could be rounded.
at::Tensor finite(const at::Tensor& magnitudes);

/// The scale of a product of matrices: nowhere 0, so that a zero may have either sign. What BLAS
/// begins a sum with, and whether it fuses product and sum, depends on the processor and on the
/// sizes, and with it the sign of a sum of zeros, or of products too small for their format.
at::Tensor with_any_sign_of_zero(const at::Tensor& scale);

/// By how much the scale of a sum of `terms` numbers exceeds the sum of their magnitudes: rounding
/// errors add up like a random walk, so with the square root (Higham and Mary, A new approach to
/// probabilistic rounding error analysis, 2019). The ulps of verdict.hpp hold 16 terms already.
double growth(double terms);

}  // namespace gradbook::reference
