#include "lessons/workbook/lesson.hpp"

#include <string>
#include <utility>
#include <vector>
#include <xtensor/xarray.hpp>

#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "lessons/workbook/code_regions.hpp"
#include "lessons/workbook/refusal.hpp"
#include "reference/replay.hpp"
#include "reference/twins/19_pitfall_losing_requires_grad.hpp"

using namespace gradbook;

namespace {

void raw_array(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("The raw array is refused");
  // [code: refused]
  Tensor x({1, 2, 3}, requires_grad);
  Tensor y = 2 * x;
  const auto take = [&] { return y.to_xarray(); };
  // [/code]
  page.code("refused");
  const std::string message = workbook::refusal<RequiresGradError>(take);
  page.output(message);
  page.prose(
      "An array is numbers and nothing else: it cannot say that it came from x. PyTorch's "
      "`y.numpy()` refuses for the same reason. C++ LibTorch does not: `y.data_ptr<float>()` "
      "hands out the address without a word, and what is written there is not even counted:");
  page.claim("the engine refuses", !message.empty());
  const auto& twin = libtorch.peer;
  page.claim("C++ LibTorch hands out the numbers",
             twin.at("read through data_ptr") == Snapshot({3}, {2, 4, 6}),
             "read " + workbook::array_text(twin.at("read through data_ptr"),
                                            reference::Precision::float32));
  page.claim(
      "C++ LibTorch does not count a write to them",
      twin.at("version after the write") == twin.at("version before the write") &&
          twin.at("y after the write") == Snapshot({3}, {20, 4, 6}),
      "y is " + workbook::array_text(twin.at("y after the write"), reference::Precision::float32) +
          ", its version still " + workbook::number(twin.at("version after the write").values[0]));

  page.heading("There and back");
  page.prose("`detach` says aloud that the history is to be left behind:");
  // [code: round trip]
  const xt::xarray<float> array = y.detach().to_xarray();
  const Tensor back = Tensor::from(array);
  const auto backward = [&] { back.sum().backward(); };
  // [/code]
  page.code("round trip");
  const std::string lost = workbook::refusal<BackwardError>(backward);
  page.output(lost);
  auto& checks = page.checks(libtorch);
  checks.compare("back", back, "[2, 4, 6]");
  checks.compare("back requires grad", back.requires_grad() ? 1 : 0, "0");
  page.figure("round trip: requires_grad", back.requires_grad());
  page.claim("both engines refuse to run backward from it",
             !lost.empty() && libtorch.truth.at("refused: backward") == Snapshot(1));
  page.prose("The values came back, the history did not. So far every break was announced.");
}

void silent_loss(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("The break that nothing announces");
  page.prose(
      "Now the same inside a model. Its middle is computed elsewhere, on the bare array, and the "
      "author gets rid of the error above by asking for a gradient again:");
  // [code: broken]
  const Tensor x(2.0);
  Tensor w1(0.5, requires_grad);
  Tensor w2(1.0, requires_grad);
  const Tensor h = w1 * x;
  const auto elsewhere = h.detach().to_xarray();
  const Tensor again = Tensor::from(elsewhere, requires_grad);
  (w2 * again - 3).pow(2).backward();
  // [/code]
  page.code("broken");
  // [code: find]
  std::vector<std::string> without;
  if (!w1.grad().defined()) without.push_back("w1");
  if (!w2.grad().defined()) without.push_back("w2");
  // [/code]

  Trace trace;
  Tensor v1(0.5, requires_grad);
  Tensor v2(1.0, requires_grad);
  {
    const TraceScope recording(trace);
    // [code: whole]
    (v2 * (v1 * x) - 3).pow(2).backward();
    // [/code]
  }
  page.prose(
      "Backward runs. w2 gets its gradient and learns. The gradient that was meant for w1 ends in "
      "`again`, a leaf that no optimizer knows. w1 has no gradient and never moves. The model "
      "in one piece, and the difference:");
  page.code("whole");
  auto& checks = page.checks(libtorch);
  checks.compare("broken: w2", w2.grad(), "-4");
  checks.compare("broken: stuck in again", again.grad(), "-4");
  checks.compare("whole: v2", v2.grad(), "-4");
  checks.compare("whole: v1", v1.grad(), "-8");
  page.claim("broken: w1 has no gradient, in both engines",
             !w1.grad().defined() && libtorch.truth.at("w1 has a gradient") == Snapshot(0));
  page.replayed(reference::replay(trace), "the model in one piece, step by step");
  page.prose(
      "One look after the first backward finds it: a weight without a gradient was not reached.");
  page.code("find");
  std::string found = "no gradient:";
  for (const std::string& name : without) found += " " + name;
  page.output(found);
  page.claim("the look finds w1 and nothing else", without == std::vector<std::string>{"w1"});
}

void table_of_ways(workbook::Page& page, const reference::TwinRun& libtorch) {
  page.heading("What keeps the history and what does not");
  Tensor x({1, 2, 3}, requires_grad);
  const Tensor y = 2 * x;
  const auto without_recording = [&] {
    const NoGradGuard nothing_recorded;
    return y * 3;
  };
  const std::vector<std::pair<std::string, Tensor>> ways = {
      {"y * 3", y * 3},
      {"y.reshape({3, 1})", y.reshape({3, 1})},
      {"y.sum()", y.sum()},
      {"y.detach()", y.detach()},
      {"y * 3 under a NoGradGuard", without_recording()},
      {"Tensor(y.sum().item())", Tensor(y.sum().item())},
      {"Tensor::from(y.snapshot())", Tensor::from(y.snapshot())}};
  workbook::Table table{.columns = {"made by", "requires grad"}};
  std::vector<double> keeps;
  for (const auto& [text, tensor] : ways) {
    keeps.push_back(tensor.requires_grad() ? 1 : 0);
    table.rows.push_back({text, tensor.requires_grad() ? "yes" : "no"});
  }
  page.table(table);
  page.checks(libtorch).compare("keeps its history", keeps, "[1, 1, 1, 0, 0, 0, 0]");
  page.prose(
      "`item` and `snapshot` give numbers without asking: to print a loss is no mistake. To put "
      "such a number back into the computation is one, unless a constant is meant.");
}

void build(workbook::Page& page, const workbook::Options&) {
  const auto libtorch = reference::run_twin(reference::twins::pitfall_losing_requires_grad);
  page.prose(
      "Sooner or later a model needs something that the engine does not have: a library for "
      "images, a solver, a plot. Its numbers leave as an array and come back as a tensor. The "
      "values survive that journey and the history does not, so whatever lies before the gap is "
      "no longer trained.");
  raw_array(page, libtorch);
  silent_loss(page, libtorch);
  table_of_ways(page, libtorch);
  page.try_next(
      "Take `.detach()` away from the line `const auto elsewhere`. The lesson stops there with a "
      "RequiresGradError and exit code 1: a missing detach is an error, never a missing gradient.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 19,
                               .name = "pitfall_losing_requires_grad",
                               .title = "Pitfall: losing requires_grad",
                               .question = "How does a tensor forget where it came from?",
                               .checks = 14},
                              build);
}
