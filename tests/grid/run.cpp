#include "tests/grid/run.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <regex>

#include "engine/random.hpp"
#include "tests/grid/as_written.hpp"

namespace gradbook::grid {

namespace {

/// How far the whole of a case may be from LibTorch, relative to the scale of each result. A case
/// makes at most some twenty roundings one after the other, on numbers of about 1 whose functions
/// multiply an error by less than 100. What this is there to find, a derivative of a derivative
/// that was forgotten on the way, is off by as much as itself.
template <class T>
constexpr double end_to_end_allowance = 2000 *
                                        static_cast<double>(std::numeric_limits<T>::epsilon());

template <class T>
constexpr std::string_view precision_text = sizeof(T) == 4 ? "float32" : "float64";

/// `what` went wrong, and with which case.
template <class T>
Failure about(const std::string& text, const std::vector<Snapshot>& inputs,
              const std::string& what) {
  constexpr std::size_t few = 32;
  std::string message = fmt::format("{} in {}: {}", text, precision_text<T>, what);
  for (const Snapshot& input : inputs) {
    message += fmt::format("\n  input of shape {}", to_string(input.shape));
    if (input.values.size() <= few) message += fmt::format(": {}", fmt::join(input.values, ", "));
  }
  return message;
}

template <class T>
std::vector<Snapshot> snapshots(const std::vector<BasicTensor<T>>& tensors) {
  std::vector<Snapshot> values;
  for (const BasicTensor<T>& tensor : tensors) values.push_back(tensor.snapshot());
  return values;
}

template <class T>
BasicTensor<T> random_cotangent(const Shape& shape, std::uint32_t seed) {
  return BasicTensor<T>::from(random_values({shape}, seed));
}

/// `run` gives what is wrong; that it throws is wrong too.
template <class T, class Run>
Failure guarded(const std::string& text, const std::vector<Snapshot>& inputs, const Run& run) {
  std::string what;
  try {
    what = run();
  } catch (const std::exception& error) {
    what = fmt::format("the engine refuses: {}", error.what());
  }
  return what.empty() ? "" : about<T>(text, inputs, what);
}

/// Has every input a gradient of its shape?
template <class T>
Failure missing_gradient(const std::vector<BasicTensor<T>>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const BasicTensor<T> gradient = inputs[i].grad();
    if (!gradient.defined()) return fmt::format("input {} has no gradient", i);
    if (gradient.shape() != inputs[i].shape()) {
      return fmt::format("the gradient of input {} has shape {}", i, to_string(gradient.shape()));
    }
  }
  return {};
}

bool same_to_the_bit(const Snapshot& a, const Snapshot& b) {
  if (a.shape != b.shape) return false;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const bool same =
        a.values[i] == b.values[i] && std::signbit(a.values[i]) == std::signbit(b.values[i]);
    if (!same && !(std::isnan(a.values[i]) && std::isnan(b.values[i]))) return false;
  }
  return true;
}

/// Runs the function of a checkpoint by itself. Both must give the same.
template <class T>
Failure differs_from_plain(const Case& tried, const BasicTensor<T>& result,
                           const BasicTensor<T>& cotangent,
                           const std::vector<BasicTensor<T>>& inputs) {
  std::vector<BasicTensor<T>> own;
  for (const Snapshot& values : snapshots(inputs)) {
    own.push_back(BasicTensor<T>::from(values, requires_grad));
  }
  const BasicTensor<T> plain = (*tried.plain)(own);
  plain.backward(cotangent);
  if (!same_to_the_bit(result.snapshot(), plain.snapshot())) return "not what the function gives";
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (same_to_the_bit(inputs[i].grad().snapshot(), own[i].grad().snapshot())) continue;
    return fmt::format("the gradient of input {} is not that of the function itself", i);
  }
  return {};
}

/// Holds the call against LibTorch given the constants that the case writes.
template <class T>
Failure differs_from_written(const Case& tried, const BasicTensor<T>& result,
                             const BasicTensor<T>& cotangent,
                             const std::vector<BasicTensor<T>>& inputs) {
  Ran ran{snapshots(inputs), cotangent.snapshot(), result.snapshot(), {}};
  if (result.requires_grad()) {
    for (const BasicTensor<T>& input : inputs) ran.gradients.push_back(input.grad().snapshot());
  }
  const auto precision =
      sizeof(T) == 4 ? reference::Precision::float32 : reference::Precision::float64;
  return differs_from_line(*tried.line, precision, ran);
}

/// The numbers that made the element which a verdict names, where all inputs have one dimension.
std::string numbers_at(const std::string& verdict, const std::vector<Snapshot>& inputs) {
  static const std::regex named(R"(element \[(\d+))");
  std::smatch match;
  if (!std::regex_search(verdict, match, named)) return {};
  const std::size_t row = std::stoul(match[1]);
  std::string text = "\n  there:";
  for (const Snapshot& input : inputs) {
    if (input.shape.empty() || row >= input.shape[0]) return {};
    const std::size_t width = input.values.size() / input.shape[0];
    for (std::size_t k = 0; k < width; ++k) {
      text += fmt::format(" {}", input.values[row * width + k]);
    }
    text += ";";
  }
  return text;
}

}  // namespace

Snapshot random_values(const Input& input, std::uint32_t seed) {
  RandomState numbers(seed);
  Snapshot result(input.shape, std::vector<double>(numel(input.shape)));
  for (double& value : result.values) {
    if (input.domain == Domain::anywhere) {
      value = numbers.gauss();
    } else {
      const bool negative = input.domain == Domain::away_from_zero && numbers.random_sample() < 0.5;
      value = (0.5 + 2 * numbers.random_sample()) * (negative ? -1 : 1);
    }
    value = std::round(value * 0x1p20) * 0x1p-20;
  }
  return result;
}

std::uint32_t seed_of(const Row& row, const Case& tried) {
  std::string text = row.written + tried.text;
  for (const Input& input : tried.inputs) text += to_string(input.shape);
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
  return hash;
}

template <class T>
std::vector<BasicTensor<T>> leaves(const Row& row, const Case& tried) {
  std::vector<BasicTensor<T>> result;
  std::uint32_t seed = seed_of(row, tried);
  for (const Input& input : tried.inputs) {
    result.push_back(BasicTensor<T>::from(random_values(input, ++seed), requires_grad));
  }
  return result;
}

template <class T>
Failure check_case(const Row& row, const Case& tried, Trace* trace) {
  const std::vector<BasicTensor<T>> inputs = leaves<T>(row, tried);
  return guarded<T>(tried.text, snapshots(inputs), [&]() -> Failure {
    BasicTensor<T> result;
    BasicTensor<T> cotangent;
    const Trace recorded = traced([&] {
      result = tried.call(inputs);
      cotangent = random_cotangent<T>(result.shape(), seed_of(row, tried));
      if (result.requires_grad()) result.backward(cotangent);
    });
    if (trace != nullptr) *trace = recorded;
    if (result.requires_grad() != row.records) {
      return row.records ? "the result does not require grad" : "the result requires grad";
    }
    const reference::ReplayReport report = reference::replay(recorded);
    if (!report.ok()) return report.summary();
    if (report.operations == 0) return "no operation was recorded";
    Failure failure = row.records ? missing_gradient(inputs) : "";
    if (failure.empty() && tried.plain) {
      failure = differs_from_plain(tried, result, cotangent, inputs);
    }
    if (failure.empty() && tried.line) {
      failure = differs_from_written(tried, result, cotangent, inputs);
    }
    return failure;
  });
}

namespace {

/// Both checks of the second order. With `all_positive` numbers the whole is judged, too.
template <class T>
Failure second_order(const Row& row, const Case& tried, bool all_positive) {
  std::uint32_t seed = seed_of(row, tried);
  const auto drawn = [&](Input input, RequiresGrad wanted) {
    if (all_positive) input.domain = Domain::positive;
    return BasicTensor<T>::from(random_values(input, ++seed), wanted);
  };
  std::vector<BasicTensor<T>> inputs;
  for (const Input& input : tried.inputs) inputs.push_back(drawn(input, requires_grad));
  return guarded<T>(tried.text + " twice differentiated", snapshots(inputs), [&]() -> Failure {
    const Trace recorded = traced([&] {
      const BasicTensor<T> result = tried.call(inputs);
      const BasicTensor<T> cotangent = drawn({result.shape()}, requires_grad);
      const std::vector<BasicTensor<T>> gradients =
          grad<T>({result}, inputs, {cotangent}, {.create_graph = true});
      std::vector<BasicTensor<T>> all = inputs;
      all.push_back(cotangent);
      for (const BasicTensor<T>& gradient : gradients) {
        const BasicTensor<T> weighted = gradient * drawn({gradient.shape()}, without_grad);
        // That it requires none is right where it requires none in LibTorch: the replay looks.
        if (!weighted.requires_grad()) continue;
        grad<T>({weighted}, all, {drawn({gradient.shape()}, without_grad)},
                {.retain_graph = true, .allow_unused = true});
      }
    });
    const reference::ReplayReport report = reference::replay(recorded);
    if (!report.ok()) return report.summary();
    if (all_positive && report.end_to_end_error > end_to_end_allowance<T>) {
      return fmt::format("the whole is off by {:.3g} of its scale, allowed is {:.3g}",
                         report.end_to_end_error, end_to_end_allowance<T>);
    }
    return {};
  });
}

}  // namespace

template <class T>
Failure check_second_order(const Row& row, const Case& tried) {
  return second_order<T>(row, tried, true);
}

template <class T>
Failure check_second_order_of_both_signs(const Row& row, const Case& tried) {
  return second_order<T>(row, tried, false);
}

template <class T>
Failure check_values(const std::string& text, const Call& program,
                     const std::vector<Snapshot>& inputs, const Snapshot& cotangent) {
  return guarded<T>(text, inputs, [&]() -> Failure {
    std::vector<BasicTensor<T>> tensors;
    for (const Snapshot& input : inputs) {
      tensors.push_back(BasicTensor<T>::from(input, requires_grad));
    }
    const Trace recorded =
        traced([&] { program(tensors).backward(BasicTensor<T>::from(cotangent)); });
    const reference::ReplayReport report = reference::replay(recorded);
    if (report.ok()) return {};
    std::vector<Snapshot> all = inputs;
    all.push_back(cotangent);
    return report.summary() + numbers_at(report.disagreements.front().what, all);
  });
}

template std::vector<Tensor> leaves(const Row&, const Case&);
template std::vector<Tensor64> leaves(const Row&, const Case&);
template Failure check_case<float>(const Row&, const Case&, Trace*);
template Failure check_case<double>(const Row&, const Case&, Trace*);
template Failure check_second_order<float>(const Row&, const Case&);
template Failure check_second_order<double>(const Row&, const Case&);
template Failure check_second_order_of_both_signs<float>(const Row&, const Case&);
template Failure check_second_order_of_both_signs<double>(const Row&, const Case&);
template Failure check_values<float>(const std::string&, const Call&, const std::vector<Snapshot>&,
                                     const Snapshot&);
template Failure check_values<double>(const std::string&, const Call&, const std::vector<Snapshot>&,
                                      const Snapshot&);

}  // namespace gradbook::grid
