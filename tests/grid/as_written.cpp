#include "tests/grid/as_written.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reference/verdict.hpp"

namespace gradbook::grid {

namespace {

using reference::Line;
using reference::Outcome;
using reference::Precision;

/// The inputs, the cotangent and the line in LibTorch, and its backward pass if there is one.
Outcome in_libtorch(const Line& line, Precision precision, const Ran& engine) {
  reference::Program program{precision, {}};
  const bool records = !engine.gradients.empty();
  for (const Snapshot& input : engine.inputs) {
    program.lines.push_back({"leaf", {}, {{"requires_grad", {records ? 1.0 : 0.0}}}, input});
  }
  const std::size_t cotangent = program.lines.size();
  program.lines.push_back({"leaf", {}, {}, engine.cotangent});
  program.lines.push_back(line);
  if (records) program.lines.push_back({"backward", {cotangent + 1, cotangent}});
  return reference::run_in_libtorch(program);
}

Snapshot magnitudes(Snapshot values) {
  for (double& value : values.values) value = std::abs(value);
  return values;
}

Outcome at_magnitudes(const Line& line, Ran engine) {
  for (Snapshot& input : engine.inputs) input = magnitudes(std::move(input));
  engine.cotangent = magnitudes(std::move(engine.cotangent));
  return in_libtorch(line, Precision::float64, engine);
}

double elements(const Snapshot& values) {
  return static_cast<double>(std::max<std::size_t>(values.values.size(), 1));
}

/// LibTorch's word on one result.
struct Answer {
  Snapshot truth;
  Snapshot peer;
  Snapshot scale;
  double terms;  ///< how many numbers each element sums up

  std::string held_against(const Snapshot& engine, Precision precision) {
    // As reference::judge() wants it for so many terms.
    for (double& each : scale.values) each *= std::max(1.0, std::sqrt(terms) / 4);
    return reference::judge(engine, truth, peer, precision, &scale).reason;
  }
};

}  // namespace

std::string differs_from_line(const Line& line, Precision precision, const Ran& engine) {
  const Outcome truth = in_libtorch(line, Precision::float64, engine);
  const std::size_t place = engine.inputs.size() + 1;
  if (truth.results.size() <= place) {
    return fmt::format("as it is written, LibTorch refuses it: {}", truth.error);
  }
  const bool is_truth = precision == Precision::float64;
  const Outcome peer = is_truth ? truth : in_libtorch(line, precision, engine);
  const Outcome scale = at_magnitudes(line, engine);

  const bool is_product = line.op == "matmul";
  const Snapshot& first = engine.inputs.at(0);
  const double inner = is_product ? static_cast<double>(first.shape.back()) : 1;
  const auto result_of = [&](const Outcome& outcome) { return *outcome.results.at(place).value; };
  const Snapshot result = result_of(truth);
  const double terms = is_product ? inner : elements(first) / elements(result);
  const std::string wrong = Answer{result, result_of(peer), result_of(scale), terms}.held_against(
      engine.result, precision);
  if (!wrong.empty()) return fmt::format("as it is written: {}", wrong);
  if (truth.raised()) {
    return fmt::format("as it is written, LibTorch refuses its backward pass: {}", truth.error);
  }

  for (std::size_t i = 0; i < engine.gradients.size(); ++i) {
    const auto gradient_of = [&](const Outcome& outcome) { return outcome.gradients[i].value(); };
    const double parts = elements(result) * inner / elements(engine.inputs[i]);
    Answer answer{gradient_of(truth), gradient_of(peer), gradient_of(scale), parts};
    const std::string off = answer.held_against(engine.gradients[i], precision);
    if (!off.empty()) return fmt::format("as it is written, the gradient of input {}: {}", i, off);
  }
  return {};
}

}  // namespace gradbook::grid
