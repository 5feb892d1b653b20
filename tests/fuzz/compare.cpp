#include "tests/fuzz/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <variant>

#include "reference/replay.hpp"
#include "tests/fuzz/compare_internal.hpp"
#include "tests/fuzz/end_to_end.hpp"
#include "tests/fuzz/features.hpp"
#include "tests/fuzz/intended.hpp"

namespace gradbook::fuzz {

using reference::Concessions;
using reference::LineResult;
using reference::Outcome;
using reference::Program;

namespace {

bool has_nonzero(const Snapshot& gradient) {
  return std::any_of(gradient.values.begin(), gradient.values.end(),
                     [](double value) { return value != 0; });
}

bool any_gradient_is_not_zero(const Trace& trace) {
  return std::any_of(trace.steps().begin(), trace.steps().end(), [](const Trace::Step& step) {
    const auto* call = std::get_if<Trace::Backward>(&step);
    return call != nullptr &&
           std::any_of(call->gradients.begin(), call->gradients.end(),
                       [](const auto& gradient) { return has_nonzero(gradient.second); });
  });
}

class Comparer {
 public:
  Comparer(const Program& program, const Runs& runs)
      : program_(program), engine_(runs.engine), trace_(runs.trace), libtorch_(runs.libtorch) {}

  Comparison run() {
    describe();
    compare_refusals();
    compare_flags(ours().results, libtorch_.results, "");
    replay();
    const bool with_end = same_end();
    if (with_end) {
      compare_flags(ours().finals, libtorch_.finals, " at the end");
      compare_gradients();
    }
    if (comparison_.disagreement.empty()) {
      disagree(end_to_end_difference(program_, ours(), libtorch_, with_end, concessions_));
    }
    return std::move(comparison_);
  }

 private:
  const Outcome& ours() const { return engine_.outcome; }
  std::string name(std::size_t line) const {
    return fmt::format("line {}, {}", line, program_.lines[line].op);
  }
  /// Only the first one is kept.
  void disagree(std::string what) {
    if (comparison_.disagreement.empty()) comparison_.disagreement = std::move(what);
  }

  void describe() {
    for (std::size_t i = 0; i < ours().results.size(); ++i) {
      if (reference::computes_a_tensor(program_.lines[i].op)) ++comparison_.operations;
    }
    comparison_.gradient_not_zero = any_gradient_is_not_zero(trace_);
    const std::set<Feature> features = features_of(program_, ours());
    for (std::size_t i = 0; i < ours().results.size(); ++i) {
      const std::string& op = program_.lines[i].op;
      if (!reference::computes_a_tensor(op)) continue;
      for (const Feature& feature : features) comparison_.covered.emplace(op, feature);
    }
  }

  // --- which line is refused
  // -----------------------------------------------------------------------
  bool same_refusal() const {
    return ours().raised() == libtorch_.raised() &&
           ours().results.size() == libtorch_.results.size();
  }

  void compare_refusals() {
    if (ours().raised() && engine_.error_class.empty()) {
      disagree(fmt::format("{}: {}", name(ours().results.size()), ours().error));
    }
    concede("mean over dims", &Concessions::mean_saves_nothing);
    concede("batched matmul", &Concessions::matmul_saves_operands);
    if (same_refusal()) {
      comparison_.raised = ours().raised();
      comparison_.refusal = engine_.error_class;
      return;
    }
    const std::size_t line = std::min(ours().results.size(), libtorch_.results.size());
    const bool engine_refused = ours().results.size() == line && ours().raised();
    const std::string intended =
        intended_difference({program_, trace_, engine_, libtorch_, line, engine_refused});
    if (!intended.empty()) {
      ++comparison_.intended[intended];
      differs_from_ = line;
    } else if (engine_refused) {
      disagree(fmt::format("{}: the engine refuses, LibTorch does not: {}: {}", name(line),
                           engine_.error_class, ours().error));
    } else {
      disagree(fmt::format("{}: LibTorch refuses, the engine does not: {}", name(line),
                           libtorch_.error));
    }
  }

  /// Runs LibTorch again with one of its ways made the engine's. If that changes which line is
  /// refused, it is an intended difference, and the comparison goes on with what came of that.
  void concede(const char* difference, bool Concessions::*concession) {
    if (same_refusal()) return;
    Concessions more = concessions_;
    more.*concession = true;
    Outcome other = reference::run_in_libtorch(program_, more);
    if (other.raised() == libtorch_.raised() && other.results.size() == libtorch_.results.size()) {
      return;
    }
    ++comparison_.intended[difference];
    concessions_ = more;
    libtorch_ = std::move(other);
  }

  // --- what the lines that ran came to
  // ---------------------------------------------------------------
  std::size_t both_ran() const { return std::min(ours().results.size(), libtorch_.results.size()); }

  /// Did both stop at the same place, in a state that can be compared? Not after a backward pass
  /// that was refused on its way.
  bool same_end() const {
    if (!same_refusal()) return false;
    if (!ours().raised()) return true;
    const std::string& op = program_.lines[ours().results.size()].op;
    return op != "backward" && op != "grad";
  }

  void compare_flags(const std::vector<LineResult>& engine, const std::vector<LineResult>& libtorch,
                     const char* when) {
    for (std::size_t i = 0; i < both_ran(); ++i) {
      const LineResult& a = engine[i];
      const LineResult& b = libtorch[i];
      const auto differ = [&](std::string_view what) {
        disagree(fmt::format("{}: {}{}", name(i), what, when));
      };
      if (a.value.has_value() != b.value.has_value()) {
        differ(a.value ? "has a result, in LibTorch it has none"
                       : "has no result, in LibTorch it has one");
        continue;
      }
      if (!a.value) continue;
      if (a.value->shape != b.value->shape) {
        differ(fmt::format("its shape is {}, in LibTorch {}", to_string(a.value->shape),
                           to_string(b.value->shape)));
      }
      if (a.requires_grad != b.requires_grad) {
        differ(a.requires_grad ? "requires grad, in LibTorch it does not"
                               : "does not require grad, in LibTorch it does");
      }
      if (a.is_leaf != b.is_leaf) {
        differ(a.is_leaf ? "is a leaf, in LibTorch it is not" : "is no leaf, in LibTorch it is");
      }
    }
  }

  void compare_gradients() {
    for (std::size_t i = 0; i < both_ran(); ++i) {
      const bool engine = ours().gradients[i].has_value();
      if (engine == libtorch_.gradients[i].has_value()) continue;
      disagree(fmt::format("{}: its result has {} at the end, in LibTorch {}", name(i),
                           engine ? "a gradient" : "no gradient", engine ? "none" : "it has one"));
    }
  }

  // --- step by step
  // ------------------------------------------------------------------------------------
  /// The line during which a step of the trace was made.
  std::size_t line_of(std::size_t step) const {
    const auto& first = engine_.first_step;
    return static_cast<std::size_t>(std::upper_bound(first.begin(), first.end(), step) -
                                    first.begin()) -
           1;
  }

  void replay() {
    const reference::ReplayReport report = reference::replay(trace_);
    comparison_.worst_ratio = report.worst_ratio;
    for (const reference::Disagreement& found : report.disagreements) {
      const std::size_t line = line_of(found.step);
      // There the trace as a whole program stops for the reason that is intended.
      const bool is_intended = differs_from_ && line >= *differs_from_;
      if (is_intended && found.operation == "the whole program") continue;
      disagree(fmt::format("{}: {}", name(line), to_text(found)));
    }
  }

  const Program& program_;
  const EngineRun& engine_;
  const Trace& trace_;
  Outcome libtorch_;
  Concessions concessions_;
  Comparison comparison_;
  std::optional<std::size_t> differs_from_;  // the line with an intended difference
};

}  // namespace

Runs run_both(const Program& program) {
  Runs runs;
  runs.engine = run_engine(program, &runs.trace);
  runs.libtorch = reference::run_in_libtorch(program);
  return runs;
}

Comparison compare(const Program& program, const Runs& runs) {
  return Comparer(program, runs).run();
}

Comparison compare(const Program& program) { return compare(program, run_both(program)); }

}  // namespace gradbook::fuzz
