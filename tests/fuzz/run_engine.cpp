#include "tests/fuzz/run_engine.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "engine/tensor.hpp"

// A program as someone would write it with the engine, line by line.

namespace gradbook::fuzz {

using reference::constant;
using reference::Line;
using reference::LineResult;
using reference::Outcome;
using reference::Program;

namespace {

bool flag(const Line& line, std::string_view name) {
  return reference::number_or(line, name, 0) != 0;
}

/// The only number of a constant that a well-formed line has.
double number(const Line& line, std::string_view name) { return constant(line, name)->front(); }

std::int64_t integer(const Line& line, std::string_view name) {
  return static_cast<std::int64_t>(number(line, name));
}

Shape shape_of(const Line& line) {
  const std::vector<double>& sizes = *constant(line, "shape");
  return Shape(sizes.begin(), sizes.end());
}

Snapshot as_snapshot(const std::vector<std::int64_t>& numbers) {
  return {{numbers.size()}, {numbers.begin(), numbers.end()}};
}

template <class T>
using Tensors = std::vector<BasicTensor<T>>;

/// What computes a tensor from tensors.
template <class T>
using Run = BasicTensor<T> (*)(const Line&, Tensors<T>&);

template <class T>
const std::unordered_map<std::string_view, Run<T>>& operations() {
  using X = Tensors<T>;
  static const std::unordered_map<std::string_view, Run<T>> table = {
      {"add", [](const Line& l,
                 X& x) { return x.size() == 2 ? x[0] + x[1] : x[0] + number(l, "scalar"); }},
      {"sub", [](const Line& l,
                 X& x) { return x.size() == 2 ? x[0] - x[1] : x[0] - number(l, "scalar"); }},
      {"mul", [](const Line& l,
                 X& x) { return x.size() == 2 ? x[0] * x[1] : x[0] * number(l, "scalar"); }},
      {"div", [](const Line& l,
                 X& x) { return x.size() == 2 ? x[0] / x[1] : x[0] / number(l, "scalar"); }},
      {"add_",
       [](const Line& l, X& x) {
         return x.size() == 2 ? x[0].add_(x[1]) : x[0].add_(number(l, "scalar"));
       }},
      {"sub_",
       [](const Line& l, X& x) {
         return x.size() == 2 ? x[0].sub_(x[1]) : x[0].sub_(number(l, "scalar"));
       }},
      {"mul_",
       [](const Line& l, X& x) {
         return x.size() == 2 ? x[0].mul_(x[1]) : x[0].mul_(number(l, "scalar"));
       }},
      {"copy_", [](const Line&, X& x) { return x[0].copy_(x[1]); }},
      {"zero_", [](const Line&, X& x) { return x[0].zero_(); }},
      {"rsub", [](const Line& l, X& x) { return number(l, "scalar") - x[0]; }},
      {"pow", [](const Line& l, X& x) { return x[0].pow(number(l, "scalar")); }},
      {"gate", [](const Line&, X& x) { return gate(x[0], x[1]); }},
      {"neg", [](const Line&, X& x) { return -x[0]; }},
      {"reciprocal", [](const Line&, X& x) { return x[0].reciprocal(); }},
      {"exp", [](const Line&, X& x) { return x[0].exp(); }},
      {"log", [](const Line&, X& x) { return x[0].log(); }},
      {"sqrt", [](const Line&, X& x) { return x[0].sqrt(); }},
      {"tanh", [](const Line&, X& x) { return x[0].tanh(); }},
      {"sigmoid", [](const Line&, X& x) { return x[0].sigmoid(); }},
      {"relu", [](const Line&, X& x) { return x[0].relu(); }},
      {"matmul", [](const Line&, X& x) { return matmul(x[0], x[1]); }},
      {"detach", [](const Line&, X& x) { return x[0].detach(); }},
      {"clone", [](const Line&, X& x) { return x[0].clone(); }},
      {"sum",
       [](const Line& l, X& x) {
         return x[0].sum(reference::integers_or_none(l, "dims"), flag(l, "keepdim"));
       }},
      {"mean",
       [](const Line& l, X& x) {
         return x[0].mean(reference::integers_or_none(l, "dims"), flag(l, "keepdim"));
       }},
      {"transpose",
       [](const Line& l, X& x) { return x[0].transpose(integer(l, "dim0"), integer(l, "dim1")); }},
      {"reshape",
       [](const Line& l, X& x) { return x[0].reshape(reference::integers_or_none(l, "shape")); }},
      {"expand", [](const Line& l, X& x) { return x[0].expand(shape_of(l)); }},
      {"sum_to", [](const Line& l, X& x) { return x[0].sum_to(shape_of(l)); }},
  };
  return table;
}

std::string class_of(const Error& error) {
  const auto is = [&]<class E>(std::in_place_type_t<E>) {
    return dynamic_cast<const E*>(&error) != nullptr;
  };
  if (is(std::in_place_type<ShapeError>)) return "ShapeError";
  if (is(std::in_place_type<DimensionError>)) return "DimensionError";
  if (is(std::in_place_type<BackwardError>)) return "BackwardError";
  if (is(std::in_place_type<GraphFreedError>)) return "GraphFreedError";
  if (is(std::in_place_type<InPlaceError>)) return "InPlaceError";
  if (is(std::in_place_type<SavedTensorChangedError>)) return "SavedTensorChangedError";
  if (is(std::in_place_type<RequiresGradError>)) return "RequiresGradError";
  if (is(std::in_place_type<CheckpointError>)) return "CheckpointError";
  if (is(std::in_place_type<UndefinedTensorError>)) return "UndefinedTensorError";
  return "Error";
}

template <class T>
class ProgramRun {
 public:
  ProgramRun(const Program& program, Trace* trace) : program_(program), trace_(trace) {}
  ProgramRun(const ProgramRun&) = delete;
  ProgramRun& operator=(const ProgramRun&) = delete;
  // A gradient that was recorded owns the graph that owns the leaf whose gradient it is.
  ~ProgramRun() {
    for (BasicTensor<T>& tensor : tensors_) {
      if (tensor.defined()) tensor.zero_grad();
    }
  }

  EngineRun run() {
    const AutoGradMode recorded(true);
    EngineRun result;
    {
      std::optional<TraceScope> scope;
      if (trace_ != nullptr) {
        scope.emplace(*trace_);
      } else {
        scope.emplace(nullptr);
      }
      run_lines(result);
      if (trace_ != nullptr) look_once_more(result.outcome);
    }
    for (const BasicTensor<T>& tensor : tensors_) {
      result.outcome.finals.push_back(result_of(tensor));
      result.outcome.gradients.push_back(tensor.defined() ? result_of(tensor.grad()).value
                                                          : std::nullopt);
    }
    return result;
  }

 private:
  void run_lines(EngineRun& result) {
    for (const Line& line : program_.lines) {
      result.first_step.push_back(trace_ == nullptr ? 0 : trace_->steps().size());
      try {
        result.outcome.results.push_back(run_line(line));
        continue;
      } catch (const Error& error) {
        result.error_class = class_of(error);
        result.outcome.error = error.what();
      } catch (const std::exception& error) {
        result.outcome.error = std::string("not one of the engine's errors: ") + error.what();
      }
      if (line.op.back() == '_') {
        result.shares_storage_with_reshape = shares_storage_with_reshape(line.inputs.front());
      }
      break;
    }
    tensors_.resize(result.outcome.results.size());
  }

  static LineResult result_of(const BasicTensor<T>& tensor) {
    if (!tensor.defined()) return {};
    return {tensor.snapshot(), tensor.requires_grad(), tensor.is_leaf()};
  }

  LineResult run_line(const Line& line) {
    tensors_.emplace_back();
    if (line.op == "argmax") return {argmax(line)};
    const BasicTensor<T> result = tensor_of(line);
    tensors_.back() = result;
    return result_of(result);
  }

  BasicTensor<T>& input(const Line& line, std::size_t i) { return tensors_[line.inputs[i]]; }

  BasicTensor<T> tensor_of(const Line& line) {
    if (line.op == "leaf") {
      return BasicTensor<T>::from(line.data,
                                  flag(line, "requires_grad") ? requires_grad : without_grad);
    }
    if (line.op == "no_grad" || line.op == "end_no_grad") {
      GradMode::set_enabled(line.op == "end_no_grad");
      return {};
    }
    const auto found = operations<T>().find(line.op);
    if (found != operations<T>().end()) {
      Tensors<T> inputs;
      for (const std::size_t i : line.inputs) inputs.push_back(tensors_[i]);
      return found->second(line, inputs);
    }
    return differentiated(line);
  }

  /// Lines that are about gradients.
  BasicTensor<T> differentiated(const Line& line) {
    BasicTensor<T>& x = input(line, 0);
    x.array();  // throws when undefined
    if (line.op == "grad_of") return x.grad();
    if (line.op == "grad") {
      Tensors<T> starts;
      if (line.inputs.size() > 2) starts.push_back(input(line, 2));
      return grad<T>({x}, {input(line, 1)}, starts,
                     {.retain_graph = flag(line, "retain_graph"),
                      .create_graph = flag(line, "create_graph"),
                      .allow_unused = flag(line, "allow_unused")})[0];
    }
    if (line.op == "backward") {
      const BackwardOptions options{.retain_graph = flag(line, "retain_graph"),
                                    .create_graph = flag(line, "create_graph")};
      if (line.inputs.size() > 1) {
        x.backward(input(line, 1), options);
      } else {
        x.backward(options);
      }
    } else if (line.op == "zero_grad") {
      x.zero_grad();
    } else if (line.op == "retain_grad") {
      x.retain_grad();
    } else if (line.op == "requires_grad_") {
      x.requires_grad_(flag(line, "wanted"));
    }
    return {};
  }

  Snapshot argmax(const Line& line) {
    const BasicTensor<T>& x = input(line, 0);
    const auto dim = reference::integers_or_none(line, "dim");
    return dim.empty() ? as_snapshot({x.argmax()}) : as_snapshot(x.argmax(dim.front()));
  }

  /// Shows the trace, and so the replay, what became of tensors that no line has looked at since
  /// they were written to, and all gradients.
  void look_once_more(const Outcome& outcome) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (!tensors_[i].defined()) continue;
      if (tensors_[i].snapshot() != outcome.results[i].value) tensors_[i].detach();
      if (tensors_[i].grad().defined()) tensors_[i].grad().detach();
    }
  }

  bool shares_storage_with_reshape(std::size_t written) const {
    if (!tensors_[written].defined()) return false;
    const auto* self = tensors_[written].impl().get();
    bool is_shared = false;
    bool is_reshaped = self->is_view;
    const auto look_at = [&](const BasicTensor<T>& other) {
      if (!other.defined() || other.impl().get() == self) return;
      if (other.array().storage().get() != self->array.storage().get()) return;
      is_shared = true;
      is_reshaped = is_reshaped || other.impl()->is_view;
    };
    for (const BasicTensor<T>& tensor : tensors_) {
      look_at(tensor);
      if (tensor.defined()) look_at(tensor.grad());
    }
    return is_shared && is_reshaped;
  }

  const Program& program_;
  Trace* trace_;
  Tensors<T> tensors_;
};

}  // namespace

std::size_t EngineRun::line_of(std::size_t step) const {
  const auto next = std::upper_bound(first_step.begin(), first_step.end(), step);
  return static_cast<std::size_t>(next - first_step.begin()) - 1;
}

EngineRun run_engine(const Program& program, Trace* trace) {
  reference::check_well_formed(program);
  return program.precision == reference::Precision::float32
             ? ProgramRun<float>(program, trace).run()
             : ProgramRun<double>(program, trace).run();
}

}  // namespace gradbook::fuzz
