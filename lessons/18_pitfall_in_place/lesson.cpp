#include "lessons/workbook/lesson.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/memory.hpp"
#include "engine/parity.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/refusal.hpp"
#include "reference/replay.hpp"
#include "reference/twins/18_pitfall_in_place.hpp"

using namespace gradbook;

namespace {

void counter(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Every write is counted");
  // [code: counter]
  Tensor a({1, 2});
  Tensor alias = a.detach();
  std::vector<double> versions = {double(a.version())};
  const auto look = [&] { versions.push_back(a.version()); };
  a.add_(1), look();
  alias.mul_(10), look();
  const Tensor b = a * 2 + 1;
  look();
  // [/code]
  page.code("counter");
  auto& checks = page.checks(libtorch);
  checks.compare("versions", versions, "[0, 1, 2, 2]");
  checks.compare("a", a, "[20, 30]");
  page.prose(
      "A method whose name ends in `_` writes over its tensor, and the version goes up by one. The "
      "counter belongs to the numbers in memory, so a write through the detached alias shows in "
      "`a` too. Reading is not counted: the version stays 2.");
}

void refused(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("Three writes that are refused");
  // [code: refused]
  Tensor w({1, 2}, requires_grad);
  const auto to_leaf = [&] { w.add_(1); };

  Tensor y = w.exp();
  y.add_(1);
  const auto backward = [&] { y.sum().backward(); };

  Tensor z = w.exp();
  z.detach().zero_();
  const auto after_alias = [&] { z.sum().backward(); };
  // [/code]
  page.code("refused");
  const std::string leaf = workbook::refusal<InPlaceError>(to_leaf);
  const std::string saved = workbook::refusal<SavedTensorChangedError>(backward);
  const std::string alias = workbook::refusal<SavedTensorChangedError>(after_alias);
  page.output(leaf);
  page.prose(
      "After the write `w` would be a result, and no longer the weight whose gradient is wanted. "
      "An optimizer writes to weights under a `NoGradGuard`, where nothing is recorded. The "
      "second write is noticed only by backward:");
  page.output(saved);
  page.prose(
      "The slope of exp is its own result, so exp saved `y`. With `y` off by one the gradient "
      "would be off by one too. A detached alias is no way round: it writes to the same memory.");
  const auto both_refuse = [&](const std::string& name, const std::string& message) {
    page.claim("both engines refuse: " + name,
               !message.empty() && libtorch.truth.at("refused: " + name) == Snapshot(1));
  };
  both_refuse("a leaf", leaf);
  both_refuse("a saved value", saved);
  both_refuse("through an alias", alias);
}

void cure(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("The cure, and a case that is not ill");

  Trace trace;
  Tensor x({1, 2}, requires_grad);
  Tensor u({1, 2}, requires_grad);
  Tensor v({1, 2}, requires_grad);
  {
    const TraceScope recording(trace);
    // [code: cure]
    Tensor y = x.exp();
    y = y + 1;
    y.sum().backward();

    Tensor in_place = u * 2;
    in_place.add_(1);
    in_place.sum().backward();
    const Tensor out_of_place = v * 2 + 1;
    out_of_place.sum().backward();
    // [/code]
  }
  page.prose(
      "The cure is a new tensor instead of the old one's memory, as for `y` here. The write to "
      "`in_place` is often said to break the graph, and is harmless:");
  page.code("cure");
  auto& checks = page.checks(libtorch);
  checks.compare("exp(x) + 1", x.grad(), "[2.718, 7.389]");
  checks.compare("u * 2, add_(1)", u.grad(), "[2, 2]");
  checks.compare("v * 2 + 1", v.grad(), "[2, 2]");
  page.figure("gradient, in place", u.grad());
  page.figure("gradient, out of place", v.grad());
  page.replayed(reference::replay(trace), "the three programs, step by step");
  page.prose(
      "The slope of `u * 2` is 2, whatever `u` is. The multiplication saved nothing of its result, "
      "so nothing that backward needs is lost, and `add_` puts itself on the graph like any "
      "other operation.");
}

/// One operation, and how the list of operations writes it.
struct Case {
  std::string text;
  std::string listed;
  std::function<Tensor(const Tensor&)> apply;
};

/// 1 where backward refuses after a write to the input or the result of `apply`.
double refuses(const std::function<Tensor(const Tensor&)>& apply, bool write_to_result) {
  // [code: probe]
  Tensor x({1, 2}, requires_grad);
  Tensor a = x * 1;
  Tensor y = apply(a);
  (write_to_result ? y : a).add_(1);
  const auto backward = [&] { y.sum().backward(); };
  // [/code]
  return workbook::refusal<SavedTensorChangedError>(backward).empty() ? 0 : 1;
}

void what_decides(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("What decides is what was saved");
  page.prose("Eight operations, each with a write to its input and a write to its result:");
  page.code("probe");
  std::map<std::string, std::string> saves;
  for (const parity::OperationFacts& facts : parity::operation_facts())
    saves[facts.written] = facts.saves;
  const std::vector<Case> cases = {
      {"a + 1", "x + 2", [](const Tensor& a) { return a + 1; }},
      {"a * 2", "x * 2", [](const Tensor& a) { return a * 2; }},
      {"a * a", "a * b", [](const Tensor& a) { return a * a; }},
      {"a.pow(3)", "x.pow(3)", [](const Tensor& a) { return a.pow(3); }},
      {"a.log()", "x.log()", [](const Tensor& a) { return a.log(); }},
      {"a.exp()", "x.exp()", [](const Tensor& a) { return a.exp(); }},
      {"a.tanh()", "x.tanh()", [](const Tensor& a) { return a.tanh(); }},
      {"a.relu()", "x.relu()", [](const Tensor& a) { return a.relu(); }}};
  workbook::Table table{.columns = {"y", "saves", "write to a", "write to y"}};
  std::vector<double> input;
  std::vector<double> result;
  bool as_the_rules_say = true;
  const auto word = [](double refused) { return refused == 1 ? "refused" : "fine"; };
  for (const Case& it : cases) {
    input.push_back(refuses(it.apply, false));
    result.push_back(refuses(it.apply, true));
    const std::string& saved = saves.at(it.listed);
    const bool saves_input = saved == "the input" || saved == "a and b";
    const bool saves_result = saved == "the result";
    as_the_rules_say = as_the_rules_say && (input.back() == 1) == saves_input &&
                       (result.back() == 1) == saves_result;
    table.rows.push_back({it.text, saves_input ? "a" : (saves_result ? "y" : "nothing"),
                          word(input.back()), word(result.back())});
  }
  page.table(table);
  auto& checks = page.checks(libtorch);
  checks.compare("refused, write to a", input, "[0, 0, 1, 1, 1, 0, 0, 0]");
  checks.compare("refused, write to y", result, "[0, 0, 0, 0, 0, 1, 1, 1]");
  page.claim("refused exactly where the written value was saved", as_the_rules_say);
  const auto bytes_beyond = [](const auto& write) {
    Tensor x = Tensor::ones({512, 512}, requires_grad);
    Tensor y = x * 2;
    memory::reset_peak();
    const std::size_t before = memory::live_bytes();
    write(y);
    return memory::peak_bytes() - before;
  };
  const std::size_t in_place = bytes_beyond([](Tensor& y) { y.add_(1); });
  const std::size_t out_of_place = bytes_beyond([](Tensor& y) { y = y + 1; });
  page.claim("y.add_(1) on (512, 512) takes no new memory", in_place == 0,
             workbook::bytes_text(in_place));
  page.claim("y = y + 1 takes a second array while it runs",
             out_of_place == std::size_t{512} * 512 * 4, workbook::bytes_text(out_of_place));

  page.prose(
      "One rule explains the table: saved means unchanged. It also says where writing in place is "
      "safe, and there it is worth having: on a large activation it spares a whole array.");
  page.prose(
      "LibTorch has one alias without that guard: `z.data()` shares the memory and counts its "
      "writes apart. With `z.data().zero_()` instead of `z.detach().zero_()` backward gives no "
      "error, and a wrong gradient. In the engine whatever shares memory shares the counter.");
  const Snapshot& wrong = libtorch.peer.at("through data()");
  page.claim("LibTorch, through `data()`: wrong, without a word", wrong == Snapshot({2}, {0, 0}),
             "gradient " + workbook::array_text(wrong, reference::Precision::float32) +
                 ", not [2.718, 7.389]");
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::pitfall_in_place);
  page.prose(
      "Activations fill the memory of a large training run, so it is tempting to write a result "
      "over its input. But backward runs later, and reads some of those values. A write at the "
      "wrong place would give a wrong gradient without any sign of it. Both engines count writes "
      "instead, and refuse.");
  counter(page, libtorch);
  refused(page, libtorch);
  cure(page, libtorch);
  what_decides(page, libtorch);
  page.try_next(
      "In y's first line of the refused writes replace `w.exp()` by `w * w`. The multiplication "
      "saved its inputs and not `y`, so nothing is refused: the message is empty and that check "
      "fails.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 18,
       .name = "pitfall_in_place",
       .title = "Pitfall: writing in place",
       .question = "When may a tensor be overwritten, and when does backward still need it?",
       .checks = 15},
      build);
}
