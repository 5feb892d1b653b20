#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "reference/replay.hpp"
#include "reference/replay_table_internal.hpp"
#include "reference/saves_less_internal.hpp"

namespace gradbook::reference {

namespace {

using C = Constants;

/// The second operand: a tensor, or the scalar among the constants.
template <class F>
auto with_operand(const Tensors& in, const C& c, F f) {
  return in.size() > 1 ? f(in[1]) : f(at::Scalar(c.scalar()));
}

at::Tensor flipped(const at::Tensor& x, const C& c, std::string_view flag) {
  return c.number(flag) != 0 ? x.transpose(-2, -1) : x;
}

double elements(const at::Tensor& tensor) {
  return static_cast<double>(std::max<std::int64_t>(tensor.numel(), 1));
}

double terms_of_sum(const Tensors& in, const C&, const at::Tensor& output) {
  return elements(in[0]) / elements(output);
}

double terms_of_matmul(const Tensors& in, const C& c, const at::Tensor&) {
  return static_cast<double>(in[0].size(c.number("transpose_a") != 0 ? -2 : -1));
}

/// Where b or b - 1 is rounded, that changes pow(a, b - 1) by |ln a| times as much.
at::Tensor scale_of_pow(const VjpCall& call) {
  const double b = call.constants.number("scalar");
  const bool is_exact = call.constants.rounded(b) == b && call.constants.rounded(b - 1) == b - 1;
  if (is_exact) return call.result.abs();
  const at::Tensor log = call.inputs[0].abs().log().abs().nan_to_num(0.0, 100.0, 100.0);
  return call.result.abs() * (1 + log.clamp_max(100.0));
}

constexpr auto multilinear = VjpScale::of_magnitudes;

const Row rows[] = {
    {.name = "add",
     .run =
         [](const Tensors& in, const C& c) {
           return with_operand(in, c, [&](const auto& b) { return at::add(in[0], b); });
         },
     .write = [](const Tensors& in,
                 const C& c) { with_operand(in, c, [&](const auto& b) { return in[0].add_(b); }); },
     .vjp_scale = multilinear},
    {.name = "sub",
     .run =
         [](const Tensors& in, const C& c) {
           return with_operand(in, c, [&](const auto& b) { return at::sub(in[0], b); });
         },
     .write = [](const Tensors& in,
                 const C& c) { with_operand(in, c, [&](const auto& b) { return in[0].sub_(b); }); },
     .vjp_scale = multilinear},
    {.name = "rsub",
     .run = [](const Tensors& in, const C& c) { return at::rsub(in[0], at::Scalar(c.scalar())); },
     .vjp_scale = multilinear},
    {.name = "mul",
     .run =
         [](const Tensors& in, const C& c) {
           return with_operand(in, c, [&](const auto& b) { return at::mul(in[0], b); });
         },
     .run_in_program =
         [](const Tensors& in, const C& c) {
           return in.size() > 1 ? at::mul(in[0], in[1]) : multiple(in[0], c.scalar());
         },
     .write = [](const Tensors& in,
                 const C& c) { with_operand(in, c, [&](const auto& b) { return in[0].mul_(b); }); },
     .write_in_program =
         [](const Tensors& in, const C& c) {
           in.size() > 1 ? in[0].mul_(in[1]) : in[0].copy_(multiple(in[0], c.scalar()));
         },
     .vjp_scale = multilinear},
    {.name = "div",
     .run =
         [](const Tensors& in, const C& c) {
           return with_operand(in, c, [&](const auto& b) { return at::div(in[0], b); });
         },
     .run_in_program =
         [](const Tensors& in, const C& c) {
           if (in.size() > 1) return at::div(in[0], in[1]);
           // The reciprocal of a subnormal constant, or of 0, is no number of this format.
           const double factor = 1 / c.scalar();
           return std::isfinite(c.rounded(factor)) ? multiple(in[0], factor)
                                                   : at::div(in[0], at::Scalar(c.scalar()));
         },
     .vjp_scale = multilinear},
    {.name = "pow",
     .run = [](const Tensors& in, const C& c) { return at::pow(in[0], at::Scalar(c.scalar())); },
     .own_vjp_scale = scale_of_pow},
    {.name = "neg", .run = [](const Tensors& in, const C&) { return at::neg(in[0]); }},
    {.name = "reciprocal",
     .run = [](const Tensors& in, const C&) { return at::reciprocal(in[0]); }},
    {.name = "exp", .run = [](const Tensors& in, const C&) { return at::exp(in[0]); }},
    {.name = "log", .run = [](const Tensors& in, const C&) { return at::log(in[0]); }},
    {.name = "sqrt", .run = [](const Tensors& in, const C&) { return at::sqrt(in[0]); }},
    // 1 - y y cancels near |y| = 1, so its terms' scale is 1.
    {.name = "tanh",
     .run = [](const Tensors& in, const C&) { return at::tanh(in[0]); },
     .own_vjp_scale = [](const VjpCall& call) { return call.g.abs(); }},
    // So does 1 - y near y = 1.
    {.name = "sigmoid",
     .run = [](const Tensors& in, const C&) { return at::sigmoid(in[0]); },
     .run_in_program = [](const Tensors& in, const C&) { return sigmoid_by_its_rule(in[0]); },
     .own_vjp_scale = [](const VjpCall& call) { return call.g.abs() * call.output; }},
    {.name = "relu",
     .run = [](const Tensors& in, const C&) { return at::relu(in[0]); },
     .run_in_program = [](const Tensors& in, const C&) { return relu_saving_less(in[0]); }},
    {.name = "gate",
     .run = [](const Tensors& in, const C&) { return gate(in[0], in[1]); },
     .run_in_program = [](const Tensors& in, const C&) { return gate_saving_less(in[0], in[1]); }},
    {.name = "copy",
     // Where nothing is repeated, the gradient is what comes in: LibTorch's of an expanded number
     // sums.
     .run =
         [](const Tensors& in, const C&) {
           const bool same = in[0].sizes() == in[1].sizes();
           return (same ? in[1] : in[1].expand_as(in[0])).clone();
         },
     .write = [](const Tensors& in, const C&) { in[0].copy_(in[1]); },
     .vjp_scale = multilinear,
     .out_of_place = false},
    {.name = "zero",
     .run = [](const Tensors& in, const C&) { return at::zeros_like(in[0]); },
     .write = [](const Tensors& in, const C&) { in[0].zero_(); },
     .out_of_place = false},

    {.name = "sum",
     .run = [](const Tensors& in,
               const C& c) { return at::sum(in[0], c.integers("dims"), c.number("keepdim") != 0); },
     .terms = terms_of_sum},
    {.name = "mean",
     .run =
         [](const Tensors& in, const C& c) {
           return at::mean(in[0], c.integers("dims"), c.number("keepdim") != 0);
         },
     .run_in_program =
         [](const Tensors& in, const C& c) {
           return mean_saving_nothing(in[0], c.integers("dims"), c.number("keepdim") != 0);
         },
     .terms = terms_of_sum},
    // Where there is nothing to sum, sum_to_size hands back its input; ours is always a copy.
    {.name = "sum_to",
     .run =
         [](const Tensors& in, const C& c) {
           const std::vector<std::int64_t> shape = c.integers("shape");
           const bool nothing_to_sum = in[0].sizes() == at::IntArrayRef(shape);
           return nothing_to_sum ? in[0].clone() : in[0].sum_to_size(shape).clone();
         },
     .terms = terms_of_sum},
    {.name = "matmul",
     .run =
         [](const Tensors& in, const C& c) {
           return at::matmul(flipped(in[0], c, "transpose_a"), flipped(in[1], c, "transpose_b"));
         },
     .run_in_program =
         [](const Tensors& in, const C& c) {
           // LibTorch may hand out a transposed view of the product of the transposes.
           const at::Tensor product =
               at::matmul(flipped(in[0], c, "transpose_a"), flipped(in[1], c, "transpose_b"));
           return product.is_view() ? product.clone() : product;
         },
     .terms = terms_of_matmul,
     .vjp_scale = multilinear},

    // Copies, where LibTorch has views (engine/parity.md).
    {.name = "transpose",
     .run =
         [](const Tensors& in, const C& c) {
           return in[0]
               .transpose(c.integers("dim0").at(0), c.integers("dim1").at(0))
               .clone(at::MemoryFormat::Contiguous);
         }},
    {.name = "expand",
     .run =
         [](const Tensors& in, const C& c) {
           const at::Tensor view = in[0].expand(c.integers("shape"));
           // Where nothing is repeated, the gradient is what comes in, not a view of it.
           return (view.sizes() == in[0].sizes() ? in[0] : view)
               .clone(at::MemoryFormat::Contiguous);
         }},
    // Aliases, as in LibTorch.
    {.name = "reshape",
     .run = [](const Tensors& in, const C& c) { return in[0].reshape(c.integers("shape")); }},
    {.name = "detach", .run = [](const Tensors& in, const C&) { return in[0].detach(); }},
};

}  // namespace

const std::vector<double>& Constants::numbers(std::string_view name) const {
  for (const auto& [attribute, values] : attributes_) {
    if (attribute == name) return values;
  }
  throw std::out_of_range("the trace has no attribute '" + std::string(name) + "'");
}

std::vector<std::int64_t> Constants::integers(std::string_view name) const {
  const std::vector<double>& values = numbers(name);
  return {values.begin(), values.end()};
}

double Constants::rounded(double value) const {
  return precision_ == Precision::float32 ? static_cast<double>(static_cast<float>(value)) : value;
}

const Row* row_of(std::string_view operation) {
  const bool in_place = operation.ends_with('_');
  if (in_place) operation.remove_suffix(1);
  for (const Row& row : rows) {
    if (row.name != operation) continue;
    return (in_place ? row.write != nullptr : row.out_of_place) ? &row : nullptr;
  }
  return nullptr;
}

std::vector<std::string> replayable_operations() {
  std::vector<std::string> names;
  for (const Row& row : rows) {
    if (row.out_of_place) names.emplace_back(row.name);
    if (row.write != nullptr) names.push_back(std::string(row.name) + "_");
  }
  return names;
}

at::Tensor OneStep::result() const {
  if (recorded) return recorded->result;
  const at::NoGradGuard not_recorded;
  return run_on(inputs);
}

at::Tensor OneStep::run_on(const Tensors& values) const { return row.run(values, constants); }

at::Tensor OneStep::result_scale(const at::Tensor& output) const {
  if (row.terms == nullptr) return at::zeros_like(output);
  const at::NoGradGuard not_recorded;
  Tensors magnitudes;
  for (const at::Tensor& input : inputs) magnitudes.push_back(finite(input.abs()));
  const at::Tensor scale = row.run(magnitudes, constants) * growth(terms(output));
  return is_matmul() && terms(output) > 0 ? with_any_sign_of_zero(scale) : scale;
}

double OneStep::terms(const at::Tensor& output) const {
  return row.terms == nullptr ? 1 : row.terms(inputs, constants, output);
}

at::Tensor OneStep::vjp(std::size_t input, const at::Tensor& g) const {
  record();
  return vjp_of(*recorded, input, g);
}

at::Tensor OneStep::vjp_scale(std::size_t input, const at::Tensor& g,
                              const at::Tensor& result) const {
  if (row.own_vjp_scale != nullptr) {
    const at::NoGradGuard not_recorded;
    return finite(row.own_vjp_scale({g, inputs, constants, this->result(), result}));
  }
  if (vjp_terms(input, g) <= 1) {
    const at::Tensor none = at::zeros_like(result);
    return is_matmul() && vjp_terms(input, g) > 0 ? with_any_sign_of_zero(none) : none;
  }
  Tensors at = inputs;
  for (at::Tensor& each : at) {
    if (row.vjp_scale == VjpScale::of_magnitudes) each = each.abs();
    if (is_matmul()) each = finite(each);
  }
  const double many = growth(vjp_terms(input, g));
  const at::Tensor finite_g = finite(g.abs());
  if (is_matmul()) {
    Recorded run = recorded_run(at);
    return with_any_sign_of_zero(vjp_of(run, input, finite_g) * many);
  }
  // What an elementwise vjp sums are its own results, one for each element of g.
  if (at.size() == 2) at = at::broadcast_tensors(at);
  Recorded run = recorded_run(at);
  const at::Tensor terms = finite(vjp_of(run, input, finite_g).abs());
  return (at.size() == 2 ? terms.sum_to_size(inputs[input].sizes()) : terms) * many;
}

double OneStep::vjp_terms(std::size_t input, const at::Tensor& g) const {
  const double inner = is_matmul() ? terms(g) : 1;
  return elements(g) * inner / elements(inputs[input]);
}

void OneStep::record() const {
  if (!recorded) recorded = recorded_run(inputs);
}

void OneStep::read_in_vjps(const at::Tensor& result) const {
  record();
  recorded->output.data().copy_(result);  // the values alone: what was saved does not count it
}

OneStep::Recorded OneStep::recorded_run(const Tensors& values) const {
  const at::AutoGradMode recording(true);
  Recorded run;
  for (const at::Tensor& value : values) run.leaves.push_back(value.detach().requires_grad_(true));
  run.output = run_on(run.leaves);
  run.result = run.output.detach().clone();
  return run;
}

at::Tensor OneStep::vjp_of(Recorded& run, std::size_t input, const at::Tensor& g) const {
  if (!run.output.requires_grad()) return at::zeros_like(run.leaves.at(input));
  if (!run.g.is_same(g)) {
    run.gradients = torch::autograd::grad({run.output}, run.leaves, {g}, /*retain_graph=*/true,
                                          /*create_graph=*/false, /*allow_unused=*/true);
    run.g = g;
  }
  const at::Tensor& gradient = run.gradients.at(input);
  return gradient.defined() ? gradient : at::zeros_like(run.leaves.at(input));
}

at::Tensor finite(const at::Tensor& magnitudes) { return magnitudes.nan_to_num(0.0, 0.0, 0.0); }

at::Tensor with_any_sign_of_zero(const at::Tensor& scale) {
  return scale.clamp_min(std::numeric_limits<double>::denorm_min());
}

double growth(double terms) { return std::max(1.0, std::sqrt(terms) / 4); }

}  // namespace gradbook::reference
