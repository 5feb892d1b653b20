#include "reference/accuracy.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/checkpoint.hpp"
#include "reference/accuracy_cases.hpp"
#include "reference/replay_internal.hpp"

namespace gradbook::reference {

namespace {

/// The element of `values` that goes with element `flat` of `shape`, to which it broadcasts.
std::optional<double> element_for(std::size_t flat, const Shape& shape, const Snapshot& values) {
  if (!broadcasts_to(values.shape, shape)) return std::nullopt;
  const Shape strides = contiguous_strides(values.shape);
  std::size_t index = 0;
  for (std::size_t d = shape.size(), k = values.shape.size(); k-- > 0;) {
    --d;
    if (values.shape[k] > 1) index += flat % shape[d] * strides[k];
    flat /= shape[d];
  }
  return values.values[index];
}

/// The inputs of an operation of a trace and its constant, by name.
std::vector<std::pair<std::string, Snapshot>> named_inputs(const Trace& trace,
                                                           const Trace::Operation& operation) {
  std::vector<std::pair<std::string, Snapshot>> named;
  const auto tensors =
      static_cast<std::size_t>(std::count_if(operation.inputs.begin(), operation.inputs.end(),
                                             [](Trace::ValueId id) { return id != Trace::kNone; }));
  for (const Trace::ValueId id : operation.inputs) {
    if (id == Trace::kNone) continue;
    const char* name = tensors == 1 ? "x" : named.empty() ? "a" : "b";
    named.emplace_back(name, trace.values().at(id).snapshot);
  }
  for (const auto& [name, numbers] : operation.attributes) {
    if (name == "scalar") named.emplace_back("c", numbers.at(0));
  }
  return named;
}

/// True where `a` is the worse of two results of the same kind.
bool is_worse(const Accuracy& a, const Accuracy& b) {
  return a.ok == b.ok ? a.largest.engine > b.largest.engine : !a.ok;
}
bool is_worse(const ElementErrors& a, const ElementErrors& b) {
  return a.ok == b.ok ? a.engine > b.engine : !a.ok;
}

/// Takes in the errors of more elements, and their worst one where that is the worst now.
void include(LargestErrors& all, LargestErrors more, bool is_worst) {
  all.engine = std::max(all.engine, more.engine);
  all.libtorch = std::max(all.libtorch, more.libtorch);
  if (is_worst) all.worst = std::move(more.worst);
}

/// One step of a trace beside LibTorch's word on it.
class Measurement {
 public:
  Measurement(const Trace& trace, const Trace::Operation& operation, std::string vjp_of,
              std::optional<Snapshot> arriving)
      : trace_(trace), operation_(operation), arriving_(std::move(arriving)) {
    accuracy_.operation = operation.name;
    accuracy_.vjp_of = std::move(vjp_of);
  }

  template <class Step>
  Accuracy of(const Snapshot& engine, const Step& step) && {
    try {
      compare(engine, answer_to(trace_, step));
    } catch (const Error& error) {
      accuracy_.ok = false;
      accuracy_.reason = error.what();
    } catch (const std::exception& error) {
      accuracy_.ok = false;
      accuracy_.reason = "LibTorch refuses: " + first_line(error);
    }
    return std::move(accuracy_);
  }

 private:
  void compare(const Snapshot& engine, const Answer& answer) {
    const Precision precision = trace_.float64() ? Precision::float64 : Precision::float32;
    const std::vector<ElementErrors> errors =
        element_errors(engine, answer.truth, answer.peer, precision, &answer.scale);
    accuracy_.elements = errors.size();
    std::vector<std::size_t> all;
    std::vector<std::size_t> within;
    for (std::size_t i = 0; i < errors.size(); ++i) {
      all.push_back(i);
      if (errors[i].by_class) {
        ++accuracy_.by_class;
      } else if (errors[i].peer > ulps_of_a_step) {
        ++accuracy_.by_peer;
      } else {
        within.push_back(i);
      }
    }
    accuracy_.largest = largest_of(errors, all, engine.shape, answer);
    accuracy_.within = largest_of(errors, within, engine.shape, answer);
    const Verdict verdict = judge(engine, answer.truth, answer.peer, precision, &answer.scale);
    accuracy_.ok = verdict.ok;
    accuracy_.reason = verdict.reason;
  }

  LargestErrors largest_of(const std::vector<ElementErrors>& errors,
                           const std::vector<std::size_t>& among, const Shape& shape,
                           const Answer& answer) const {
    LargestErrors largest;
    std::size_t worst = among.empty() ? 0 : among[0];
    for (const std::size_t i : among) {
      include(largest, {errors[i].engine, errors[i].peer}, false);
      if (is_worse(errors[i], errors[worst])) worst = i;
    }
    const bool is_exact = among.empty() || (errors[worst].ok && errors[worst].engine == 0);
    if (!is_exact) largest.worst = origin_of(worst, shape, answer);
    return largest;
  }

  /// What element `element` was computed from.
  std::vector<std::pair<std::string, double>> origin_of(std::size_t element, const Shape& shape,
                                                        const Answer& answer) const {
    const double result = answer.truth.values[element];
    if (answer.terms > 1) return {{"terms", answer.terms}, {"result", result}};
    std::vector<std::pair<std::string, Snapshot>> named = named_inputs(trace_, operation_);
    if (arriving_) named.emplace_back("g", *arriving_);
    std::vector<std::pair<std::string, double>> origin;
    for (const auto& [name, values] : named) {
      const auto value = element_for(element, shape, values);
      if (value && !std::isnan(*value)) {  // a NaN that made no NaN was not read
        origin.emplace_back(name, *value);
      }
    }
    if (origin.empty()) return {{"result", result}};
    return origin;
  }

  const Trace& trace_;
  const Trace::Operation& operation_;
  std::optional<Snapshot> arriving_;
  Accuracy accuracy_;
};

Accuracy accuracy_of_operation(const Trace& trace, const Trace::Operation& operation,
                               const Snapshot& engine) {
  return Measurement(trace, operation, "", {}).of(engine, operation);
}

Accuracy accuracy_of_vjp(const Trace& trace, const Trace::Gradient& gradient,
                         const Snapshot& engine) {
  const auto& operation = std::get<Trace::Operation>(trace.steps().at(gradient.step));
  const bool is_alone = std::count_if(operation.inputs.begin(), operation.inputs.end(),
                                      [](Trace::ValueId id) { return id != Trace::kNone; }) == 1;
  const char* input = is_alone ? "x" : gradient.input == 0 ? "a" : "b";
  return Measurement(trace, operation, input, gradient.arriving).of(engine, gradient);
}

/// Adds what was found to what is known of the same result.
void add(std::vector<Accuracy>& all, Accuracy found) {
  const auto known = std::find_if(all.begin(), all.end(), [&](const Accuracy& each) {
    return each.operation == found.operation && each.written == found.written &&
           each.vjp_of == found.vjp_of;
  });
  if (known == all.end()) {
    all.push_back(std::move(found));
    return;
  }
  const bool is_worst = is_worse(found, *known);
  const bool is_worst_within = found.within.engine > known->within.engine;
  known->elements += found.elements;
  known->by_class += found.by_class;
  known->by_peer += found.by_peer;
  include(known->largest, std::move(found.largest), is_worst);
  include(known->within, std::move(found.within), is_worst_within);
  if (!is_worst) return;
  known->ok = found.ok;
  known->reason = std::move(found.reason);
}

std::vector<Tensor> leaves_of(const Batch& batch) {
  std::vector<Tensor> leaves;
  for (const Snapshot& input : batch.inputs) leaves.push_back(Tensor::from(input, requires_grad));
  return leaves;
}

Snapshot cotangent_of(const Batch& batch, const Shape& shape, Sampler& sampler) {
  if (batch.cotangent) return *batch.cotangent;
  return Sampler::fill(shape, [&] { return sampler.cotangent(); });
}

/// What the engine gives inside a checkpoint for an operation with one input.
struct InCheckpoint {
  Snapshot value;
  Snapshot vjp;
};

InCheckpoint run_in_checkpoint(const Batch& batch, const Snapshot& g) {
  const Tensor x = Tensor::from(batch.inputs.at(0), requires_grad);
  const Tensor y = checkpoint([&](const Tensor& input) { return batch.run({input}); }, x);
  y.backward(Tensor::from(g));
  return {y.snapshot(), x.grad().snapshot()};
}

/// Runs one batch in the engine and holds it against LibTorch.
std::vector<Accuracy> accuracy_of_batch(const AccuracyCase& of, const Batch& batch,
                                        Sampler& sampler) {
  Trace trace;
  Snapshot g;
  {
    const TraceScope scope(trace);
    const Tensor y = batch.run(leaves_of(batch));
    g = cotangent_of(batch, y.shape(), sampler);
    y.backward(Tensor::from(g));
  }
  if (!of.in_checkpoint) return accuracy_of(trace);

  const InCheckpoint engine = run_in_checkpoint(batch, g);
  std::vector<Accuracy> all;
  for (const Trace::Step& step : trace.steps()) {
    if (const auto* operation = std::get_if<Trace::Operation>(&step)) {
      all.push_back(accuracy_of_operation(trace, *operation, engine.value));
    } else if (const auto* gradient = std::get_if<Trace::Gradient>(&step)) {
      all.push_back(accuracy_of_vjp(trace, *gradient, engine.vjp));
    }
  }
  for (Accuracy& each : all) each.operation = of.operation;
  return all;
}

}  // namespace

std::vector<Accuracy> accuracy_of(const Trace& trace) {
  std::vector<Accuracy> all;
  for (const Trace::Step& step : trace.steps()) {
    if (const auto* operation = std::get_if<Trace::Operation>(&step)) {
      if (operation->inside_backward) continue;
      const Snapshot& engine = trace.values().at(operation->output).snapshot;
      add(all, accuracy_of_operation(trace, *operation, engine));
    } else if (const auto* gradient = std::get_if<Trace::Gradient>(&step)) {
      add(all, accuracy_of_vjp(trace, *gradient, gradient->result));
    }
  }
  return all;
}

std::vector<Accuracy> measure_accuracy(const AccuracyOptions& options, const Progress& progress) {
  // Enough batches for every special constant and kind of sum to have its turn, of a size that fits
  // the cache.
  constexpr std::size_t batches = 32;
  constexpr std::size_t most = 4096;
  const std::size_t size = std::clamp<std::size_t>(options.samples / batches, 1, most);

  const AutoGradMode recording(true);
  const std::vector<AccuracyCase> cases = accuracy_cases();
  std::vector<Accuracy> all;
  for (std::size_t number = 0; number < cases.size(); ++number) {
    const AccuracyCase& of = cases[number];
    Sampler sampler(options.seed + static_cast<std::uint32_t>(number));
    for (std::size_t index = 0; index * size < options.samples; ++index) {
      if (progress && !progress(of.written, number, cases.size())) return all;
      const Batch batch = of.batch(sampler, index, size);
      for (Accuracy& found : accuracy_of_batch(of, batch, sampler)) {
        if (found.operation != of.operation) continue;  // on the way to the operation
        found.written = of.written;
        add(all, std::move(found));
      }
    }
  }
  return all;
}

}  // namespace gradbook::reference
