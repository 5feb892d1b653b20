#include "tests/fuzz/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <variant>
#include <vector>

#include "reference/replay.hpp"
#include "tests/fuzz/compare_concessions.hpp"
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

/// The first thing in which two runs differ.
struct Mismatch {
  enum class Kind { result, refusal, end, value } kind;
  bool at_end;
  std::size_t line;
  std::string text;
  bool in_gradient = false;  // only of a value

  /// What is looked at first: results and refusals line by line, then the end, then the values: of
  /// results, of what became of them, of gradients.
  std::tuple<bool, bool, bool, std::size_t> order() const {
    return {kind == Kind::value, at_end, in_gradient, line};
  }
};

struct Looked {
  std::optional<Mismatch> mismatch = {};
  bool ill_conditioned = false;  // were values passed over on the way, as ill-conditioned?
};

class Comparer {
 public:
  Comparer(const Program& program, const Runs& runs, const EngineIn& engine_in)
      : program_(program),
        ours_(runs.engine.outcome),
        engine_(runs.engine),
        trace_(runs.trace),
        libtorch_(runs.libtorch),
        engine_in_(engine_in) {}

  Comparison run() {
    describe();
    if (ours_.raised() && engine_.error_class.empty()) {
      disagree(name(ours_.results.size()) + ": " + ours_.error);
    }
    settle();
    replay();
    return std::move(comparison_);
  }

 private:
  std::string name(std::size_t line) const {
    return fmt::format("line {}, {}", line, program_.lines[line].op);
  }
  /// Only the first one is kept.
  void disagree(std::string what) {
    if (comparison_.disagreement.empty()) comparison_.disagreement = std::move(what);
  }

  void describe() {
    for (std::size_t i = 0; i < ours_.results.size(); ++i) {
      if (reference::computes_a_tensor(program_.lines[i].op)) ++comparison_.operations;
    }
    comparison_.gradient_not_zero = any_gradient_is_not_zero(trace_);
    for (const std::string& name : copies_that_matter(program_, trace_, engine_)) {
      comparison_.intended[name] = 1;
    }
    comparison_.covered = covered(program_, engine_, trace_);
  }

  // --- the whole program in both -----------------------------------------------------------------
  /// Finds what differs, and looks for the intended difference that explains it.
  void settle() {
    Looked looked = look(libtorch_, concessions_);
    while (looked.mismatch && (concede(*looked.mismatch) || explain(*looked.mismatch))) {
      looked = look(libtorch_, concessions_);
    }
    comparison_.ill_conditioned = looked.ill_conditioned;
    if (looked.mismatch) disagree(looked.mismatch->text);
    if (looked.mismatch || differs_from_) return;
    comparison_.raised = ours_.raised();
    comparison_.refusal = engine_.error_class;
  }

  /// Runs LibTorch again with one of its ways made the engine's. If that takes away the mismatch,
  /// it was an intended difference, and the comparison goes on with what came of it. Where no
  /// single one does, perhaps two do, or several: then as few as possible.
  bool concede(const Mismatch& found) {
    std::vector<Concession> possible = possible_concessions(program_, concessions_);
    if (found.at_end) {
      auto more = refused_pass_concession(program_, engine_, concessions_, found.line);
      if (more) possible.push_back(std::move(*more));
    }
    std::vector<std::vector<Concession>> one;
    std::vector<std::vector<Concession>> two;  // all might not do: copies end what shares storage
    for (std::size_t i = 0; i < possible.size(); ++i) {
      one.push_back({possible[i]});
      for (std::size_t k = 0; k < i; ++k) two.push_back({possible[k], possible[i]});
    }
    for (const auto& candidates : {one, two}) {
      if (const auto* best = best_of(candidates, found)) return adopt(*best);
    }
    if (possible.size() < 3 || !settles(found, possible)) return false;
    std::vector<Concession> needed = std::move(possible);
    for (std::size_t i = 0; i < needed.size();) {
      std::vector<Concession> fewer = needed;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      if (settles(found, fewer)) {
        needed = std::move(fewer);
      } else {
        ++i;
      }
    }
    return adopt(needed);
  }

  /// Those that leave nothing different, or what is latest: others may have brought a difference of
  /// their own making in its place. Null where none of the candidates settles the mismatch.
  const std::vector<Concession>* best_of(const std::vector<std::vector<Concession>>& candidates,
                                         const Mismatch& found) const {
    const std::vector<Concession>* best = nullptr;
    std::optional<Mismatch> left_by_best;
    for (const std::vector<Concession>& each : candidates) {
      const auto settled = settles(found, each);
      if (!settled) continue;
      if (!settled->mismatch) return &each;
      if (left_by_best && settled->mismatch->order() <= left_by_best->order()) continue;
      best = &each;
      left_by_best = settled->mismatch;
    }
    return best;
  }

  Concessions concessions_with(const std::vector<Concession>& more) const {
    Concessions all = concessions_;
    for (const Concession& each : more) each.make(all);
    return all;
  }
  /// Is the mismatch gone, or something later the first one? Then what is left. A refusal that is
  /// intended only goes if nothing takes its place: copies for what shares memory end one, and
  /// differ later.
  std::optional<Looked> settles(const Mismatch& found, const std::vector<Concession>& more) const {
    const Concessions all = concessions_with(more);
    const Looked left = look(reference::run_in_libtorch(program_, all), all);
    const bool is_later =
        left.mismatch && left.mismatch->order() > found.order() && intended(found).empty();
    return !left.mismatch || is_later ? std::optional(left) : std::nullopt;
  }
  bool adopt(const std::vector<Concession>& more) {
    for (const Concession& each : more) comparison_.intended[each.difference] = 1;
    concessions_ = concessions_with(more);
    libtorch_ = reference::run_in_libtorch(program_, concessions_);
    return true;
  }

  /// One engine refused a line that the other ran: why, by the predicates of intended.hpp.
  std::string intended(const Mismatch& found) const {
    if (found.kind != Mismatch::Kind::refusal) return {};
    const bool engine_refused = ours_.raised() && ours_.results.size() == found.line;
    return intended_difference({program_, trace_, engine_, libtorch_, found.line, engine_refused});
  }
  /// Is it intended? Then what comes before it is still compared.
  bool explain(const Mismatch& found) {
    const std::string difference = intended(found);
    if (difference.empty()) return false;
    comparison_.intended[difference] = 1;
    differs_from_ = found.line;
    return true;
  }

  Looked look(const Outcome& libtorch, const Concessions& concessions) const {
    using Kind = Mismatch::Kind;
    const std::size_t both_ran = std::min(ours_.results.size(), libtorch.results.size());
    for (std::size_t i = 0; i < both_ran; ++i) {
      const std::string what = difference(ours_.results[i], libtorch.results[i]);
      if (!what.empty()) return {Mismatch{Kind::result, false, i, name(i) + ": " + what}};
    }
    const bool is_explained = differs_from_ && both_ran >= *differs_from_;
    const bool one_refuses =
        ours_.raised() != libtorch.raised() || ours_.results.size() != libtorch.results.size();
    if (one_refuses && !is_explained) {
      const bool engine_refused = ours_.raised() && ours_.results.size() == both_ran;
      std::string text = engine_refused
                             ? fmt::format("{}: the engine refuses, LibTorch does not: {}: {}",
                                           name(both_ran), engine_.error_class, ours_.error)
                             : fmt::format("{}: LibTorch refuses, the engine does not: {}",
                                           name(both_ran), libtorch.error);
      return {Mismatch{Kind::refusal, false, both_ran, std::move(text)}};
    }
    const bool with_end = !is_explained;
    for (std::size_t i = 0; with_end && i < both_ran; ++i) {
      std::string what = difference(ours_.finals[i], libtorch.finals[i]);
      const bool has_gradient = ours_.gradients[i].has_value();
      if (what.empty() && has_gradient != libtorch.gradients[i].has_value()) {
        what = has_gradient ? "its result has a gradient, in LibTorch it has none"
                            : "its result has no gradient, in LibTorch it has one";
      }
      if (!what.empty()) {
        return {Mismatch{Kind::end, true, i, name(i) + ": at the end " + what}};
      }
    }
    EndToEnd values =
        compare_end_to_end(program_, ours_, libtorch, with_end, concessions, engine_in_);
    Looked looked{.ill_conditioned = values.ill_conditioned};
    if (auto& found = values.difference) {
      looked.mismatch = {Kind::value, found->at_end, found->line, std::move(found->text),
                         found->in_gradient};
    }
    return looked;
  }

  static std::string difference(const LineResult& engine, const LineResult& libtorch) {
    if (engine.value.has_value() != libtorch.value.has_value()) {
      return engine.value ? "has a result, in LibTorch it has none"
                          : "has no result, in LibTorch it has one";
    }
    if (!engine.value) return {};
    if (engine.value->shape != libtorch.value->shape) {
      return fmt::format("its shape is {}, in LibTorch {}", to_string(engine.value->shape),
                         to_string(libtorch.value->shape));
    }
    if (engine.requires_grad != libtorch.requires_grad) {
      return engine.requires_grad ? "requires grad, in LibTorch it does not"
                                  : "does not require grad, in LibTorch it does";
    }
    if (engine.is_leaf != libtorch.is_leaf) {
      return engine.is_leaf ? "is a leaf, in LibTorch it is not" : "is no leaf, in LibTorch it is";
    }
    return {};
  }

  // --- step by step ------------------------------------------------------------------------------
  void replay() {
    const reference::ReplayReport report = reference::replay(trace_);
    comparison_.worst_ratio = report.worst_ratio;
    for (const reference::Disagreement& found : report.disagreements) {
      const std::size_t line = engine_.line_of(found.step);
      // There the trace as a whole program stops for the reason that is intended.
      const bool is_intended = differs_from_ && line >= *differs_from_;
      if (is_intended && found.operation == "the whole program") continue;
      disagree(fmt::format("{}: {}", name(line), to_text(found)));
    }
  }

  const Program& program_;
  const Outcome& ours_;
  const EngineRun& engine_;
  const Trace& trace_;
  Outcome libtorch_;
  const EngineIn& engine_in_;
  Concessions concessions_;
  Comparison comparison_;
  std::optional<std::size_t> differs_from_;  // the line with an intended difference
};

}  // namespace

std::set<std::string> all_intended() {
  std::set<std::string> all = conceded_differences();
  all.merge(explained_differences());
  return all;
}

Runs run_both(const Program& program) {
  Runs runs;
  runs.engine = run_engine(program, &runs.trace);
  runs.libtorch = reference::run_in_libtorch(program);
  return runs;
}

Comparison compare(const Program& program, const Runs& runs, const EngineIn& engine_in) {
  return Comparer(program, runs, engine_in).run();
}

Comparison compare(const Program& program) {
  return compare(program, run_both(program), [&](reference::Precision precision) {
    Program other = program;
    other.precision = precision;
    return run_engine(other).outcome;
  });
}

}  // namespace gradbook::fuzz
