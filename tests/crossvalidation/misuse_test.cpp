#include "reference/misuse/misuse.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "engine/parity.hpp"
#include "tests/crossvalidation/misuse_table.hpp"

namespace gradbook::misuse {
namespace {

std::vector<Row> table() {
  std::vector<Row> rows = shape_rows();
  for (const auto& more :
       {backward_rows(), state_rows(), dtype_rows(), checkpoint_rows(), differing_rows()}) {
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

/// What came of a row: a result, or the message of the refusal.
struct Outcome {
  std::optional<Snapshot> result;
  std::string message;
};

Outcome outcome_of(const std::function<Snapshot()>& run) {
  try {
    return {run(), ""};
  } catch (const std::exception& error) {
    return {std::nullopt, error.what()};
  }
}

/// Are they the same but for a part `rounding` of each number?
bool same(const Snapshot& a, const Snapshot& b, double rounding) {
  if (a.shape != b.shape) return false;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const bool both_nan = std::isnan(a.values[i]) && std::isnan(b.values[i]);
    if (!both_nan && a.values[i] != b.values[i] &&
        !(std::abs(a.values[i] - b.values[i]) <= rounding * std::abs(b.values[i]))) {
      return false;
    }
  }
  return true;
}

std::map<std::string, std::function<Snapshot()>> libtorch_rows() {
  std::map<std::string, std::function<Snapshot()>> rows;
  for (const reference::Misuse& misuse : reference::misuses()) rows[misuse.name] = misuse.run;
  return rows;
}

TEST(Misuse, HasTheSameRowsInBothEngines) {
  std::set<std::string> engine;
  std::set<std::string> libtorch;
  for (const Row& row : table()) EXPECT_TRUE(engine.insert(row.name).second) << row.name;
  for (const auto& [name, run] : libtorch_rows()) libtorch.insert(name);
  EXPECT_EQ(engine, libtorch);
  EXPECT_EQ(reference::misuses().size(), libtorch.size());
  EXPECT_GE(engine.size(), 90U);
}

TEST(Misuse, BothRefuseOrBothGiveTheSameResult) {
  const auto libtorch = libtorch_rows();
  for (const Row& row : table()) {
    if (!row.difference.empty()) continue;
    SCOPED_TRACE(row.name);
    const Outcome ours = outcome_of(row.run);
    const Outcome theirs = outcome_of(libtorch.at(row.name));
    ASSERT_EQ(ours.result.has_value(), theirs.result.has_value()) << ours.message << theirs.message;
    if (ours.result) {
      const bool is_float64 = row.name.find("float64") != std::string::npos;
      EXPECT_TRUE(same(*ours.result, *theirs.result, is_float64 ? 1e-14 : 1e-6));
    }
  }
}

/// What LibTorch says, without the list of functions it was in: their names hold many words.
std::string without_backtrace(const std::string& message) {
  return message.substr(0, message.find("\nException raised from "));
}

// A slip in LibTorch's half that throws must not pass for LibTorch's refusal.
TEST(Misuse, IsRefusedByLibTorchForTheReasonNamed) {
  for (const reference::Misuse& misuse : reference::misuses()) {
    SCOPED_TRACE(misuse.name);
    const Outcome outcome = outcome_of(misuse.run);
    const std::string said = without_backtrace(outcome.message);
    EXPECT_EQ(outcome.result.has_value(), misuse.refusal.empty()) << said;
    EXPECT_NE(said.find(misuse.refusal), std::string::npos)
        << "not \"" << misuse.refusal << "\" but: " << said;
  }
}

TEST(Misuse, IsRefusedByTheNamedClass) {
  for (const Row& row : table()) {
    SCOPED_TRACE(row.name);
    try {
      row.run();
      EXPECT_EQ(row.error, nullptr) << "gave a result";
    } catch (const Error& error) {
      ASSERT_NE(row.error, nullptr) << error.what();
      EXPECT_EQ(std::string(typeid(error).name()), row.error->name()) << error.what();
    }
  }
}

/// The operation that a row is about.
std::string operation_of(const Row& row) {
  if (!row.refused_by.empty()) return row.refused_by;
  std::string operation = row.name.substr(0, row.name.find(':'));
  if (operation.ends_with(", float64")) operation.resize(operation.size() - 9);
  return operation;
}

TEST(Misuse, IsRefusedWithTheOperationAndTheShapesOfAllOperands) {
  for (const Row& row : table()) {
    if (row.error == nullptr || *row.error == typeid(DoesNotCompile)) continue;
    SCOPED_TRACE(row.name);
    const std::string message = outcome_of(row.run).message;
    EXPECT_TRUE(message.starts_with(operation_of(row) + ": ")) << message;
    EXPECT_TRUE(*row.error != typeid(ShapeError) || !row.shapes.empty())
        << "the row does not say which shapes";
    std::string rest = message;
    for (const Shape& shape : row.shapes) {
      const std::string text = to_string(shape);
      const std::size_t at = rest.find(text);
      ASSERT_NE(at, std::string::npos) << text << " is not in: " << message;
      rest.erase(at, text.size());  // each operand has its own, also where two are equal
    }
  }
}

TEST(Misuse, DiffersOnlyWhereTheParityPageSaysSo) {
  const auto libtorch = libtorch_rows();
  std::set<std::string> known;
  for (const parity::Difference& difference : parity::differences()) known.insert(difference.name);
  for (const Row& row : table()) {
    if (row.difference.empty()) continue;
    SCOPED_TRACE(row.name);
    EXPECT_EQ(known.count(row.difference), 1U) << row.difference;
    const Outcome ours = outcome_of(row.run);
    const Outcome theirs = outcome_of(libtorch.at(row.name));
    EXPECT_NE(ours.result.has_value(), theirs.result.has_value()) << "no longer a difference";
    ASSERT_EQ(ours.result.has_value(), row.result.has_value()) << "the row says what is right";
    if (ours.result) {
      EXPECT_TRUE(same(*ours.result, *row.result, 1e-6));
    }
  }
}

}  // namespace
}  // namespace gradbook::misuse
