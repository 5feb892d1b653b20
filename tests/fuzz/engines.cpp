// The real thing behind a campaign.
#include <algorithm>

#include "reference/program.hpp"
#include "reference/version.hpp"
#include "tests/fuzz/alone.hpp"
#include "tests/fuzz/run_engine.hpp"

namespace gradbook::fuzz {
namespace {

Comparison compare_on_one_thread(const reference::Program& program) {
  // Nothing here is large enough for two, and array jobs share a machine.
  static const bool once = (reference::set_num_threads(1), true);
  static_cast<void>(once);
  return compare(program);
}

}  // namespace

Subject both_engines() {
  std::vector<std::string> operations = reference::line_operations();
  std::erase_if(operations, [](const auto& op) { return !reference::computes_a_tensor(op); });
  return {.generate = random_program,
          .compare = compare_on_one_thread,
          .evaluate =
              [](const reference::Program& program) { return run_engine(program).outcome.results; },
          .operations = std::move(operations),
          .features = all_features(),
          .intended = all_intended(),
          .libtorch = reference::libtorch_version()};
}

}  // namespace gradbook::fuzz
