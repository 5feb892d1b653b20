#include "tests/fuzz/compare_concessions.hpp"

#include <algorithm>
#include <string_view>

#include "tests/fuzz/intended.hpp"

namespace gradbook::fuzz {

using reference::Concessions;
using reference::Program;

namespace {

struct Way {
  const char* difference;
  bool Concessions::*concession;
  std::vector<std::string_view> needs;  // without one of these in the program it cannot matter
};
const Way ways[] = {
    {"mean over dims", &Concessions::mean_saves_nothing, {"mean"}},
    {"batched matmul", &Concessions::matmul_saves_operands, {"matmul"}},
    {"gate", &Concessions::gate_saves_for_g_only, {"gate", "relu"}},
    {"constants", &Concessions::constants_are_not_saved, {"mul", "mul_", "div"}},
    {"views without recording", &Concessions::unrecorded_views_are_detached, {"no_grad", "grad"}},
    {"gradients own their storage", &Concessions::gradients_own_their_storage, {"backward"}},
    {"expand copies", &Concessions::gradients_are_no_views, {"grad", "backward"}},
    {"history of views", &Concessions::views_keep_their_history, {"retain_grad", "grad"}},
    {"flags of saved leaves", &Concessions::saved_leaves_keep_their_flag, {"requires_grad_"}},
    {"second derivative of sigmoid", &Concessions::sigmoid_goes_by_its_rule, {"sigmoid"}},
    {"retained gradients", &Concessions::grad_leaves_retained_gradients_alone, {"retain_grad"}},
};

bool has_one_of(const Program& program, const std::vector<std::string_view>& operations) {
  return std::any_of(program.lines.begin(), program.lines.end(), [&](const auto& line) {
    return std::find(operations.begin(), operations.end(), line.op) != operations.end();
  });
}

}  // namespace

std::set<std::string> conceded_differences() {
  std::set<std::string> names = {"freed graphs are refused early", "gradient of a larger shape",
                                 "leaves accumulate in their turn"};  // of refused passes
  for (const Way& way : ways) names.insert(way.difference);
  return names;
}

std::vector<Concession> possible_concessions(const Program& program, const Concessions& made) {
  std::vector<Concession> possible;
  for (const Way& way : ways) {
    if (made.*way.concession || !has_one_of(program, way.needs)) continue;
    possible.push_back({way.difference, [&way](Concessions& all) { all.*way.concession = true; }});
  }
  return possible;
}

std::optional<Concession> refused_pass_concession(const Program& program, const EngineRun& engine,
                                                  const Concessions& made, std::size_t line) {
  const std::size_t ran = engine.outcome.results.size();
  if (!engine.outcome.raised() || program.lines[ran].op != "backward") return std::nullopt;
  if (made.unmoved_by_refused_passes.contains(line)) return std::nullopt;
  const auto all_lines = [ran](Concessions& all) {
    for (std::size_t i = 0; i < ran; ++i) all.unmoved_by_refused_passes.insert(i);
  };
  if (engine.error_class == "GraphFreedError") {
    return Concession{"freed graphs are refused early", all_lines};
  }
  if (is_gradient_of_larger_shape(program, engine)) {
    return Concession{"gradient of a larger shape", all_lines};
  }
  if (engine.error_class == "SavedTensorChangedError") {
    return Concession{"leaves accumulate in their turn",
                      [line](Concessions& all) { all.unmoved_by_refused_passes.insert(line); }};
  }
  return std::nullopt;
}

}  // namespace gradbook::fuzz
