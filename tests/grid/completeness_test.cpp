// Nothing the engine can do is missing from the grid, and all of it has a counterpart in LibTorch.
// The sources and the tables are asked, so that a new operation fails here until it is in a row.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "engine/parity.hpp"
#include "tests/grid/grid_test.hpp"

namespace gradbook::grid {
namespace {

using Names = std::set<std::string>;

std::string source_of(const std::filesystem::path& file) {
  std::ifstream stream(std::filesystem::path(GRADBOOK_SOURCE_DIR) / file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// What the first group of `pattern` matches in the text.
Names matches(const std::string& text, const std::regex& pattern) {
  Names found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    found.insert((*match)[1]);
  }
  return found;
}

Names names_of_facts() {
  Names names;
  for (const parity::OperationFacts& facts : parity::operation_facts()) names.insert(facts.name);
  return names;
}

/// All that a program writes in the grid.
std::string all_texts() {
  std::string texts;
  for (const Row& row : rows()) {
    texts += row.written + "\n";
    for (const Case& tried : row.cases) texts += tried.text + "\n";
  }
  return texts;
}

TEST(GridIsComplete, EveryWayToWriteAnOperationHasARow) {
  std::set<std::pair<std::string, std::string>> in_grid;
  for (const Row& row : rows()) in_grid.emplace(row.name, row.written);
  for (const parity::OperationFacts& facts : parity::operation_facts()) {
    EXPECT_TRUE(in_grid.contains({facts.name, facts.written}))
        << facts.name << ", written " << facts.written << ", is in no grid: tests/grid/rows_*.cpp";
  }
}

TEST(GridIsComplete, NoTwoRowsAreTheSame) {
  Names written;
  for (const Row& row : rows()) {
    EXPECT_TRUE(written.insert(row.written).second) << row.written;
    EXPECT_FALSE(row.cases.empty()) << row.written;
  }
}

TEST(GridIsComplete, EveryOperationHasACounterpartInLibTorch) {
  const std::vector<std::string> known = reference::replayable_operations();
  Names expected = names_of_facts();
  // A checkpoint is no computation of its own: what its function computes is replayed.
  expected.erase("checkpoint");
  // Not on a graph, but traced.
  expected.insert("detach");
  EXPECT_EQ(Names(known.begin(), known.end()), expected)
      << "reference/replay_table.cpp and engine/parity.cpp must name the same operations";
}

// What the grid runs is what the facts speak of: no operation is recorded that they do not know.
TEST(GridIsComplete, WhatIsTracedIsWhatTheFactsName) {
  Names seen;
  for (const Row& row : rows()) {
    Names of_row;
    for (const Case& tried : row.cases) {
      const std::vector<Tensor> inputs = leaves<float>(row, tried);
      of_row.merge(operations_in(traced([&] {
        const Tensor result = tried.call(inputs);
        if (result.requires_grad()) result.backward(result.detach());
      })));
    }
    if (row.name != "checkpoint") {
      EXPECT_TRUE(of_row.contains(row.name)) << row.written << " never ran " << row.name;
    }
    seen.merge(of_row);
  }
  Names expected = names_of_facts();
  expected.erase("checkpoint");
  expected.insert("detach");
  EXPECT_EQ(seen, expected);
}

// An operation that nobody called would leave no trace: the sources are asked for names, too.
TEST(GridIsComplete, EveryNameInTheSourcesIsInTheFacts) {
  Names names;
  Names in_place;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(GRADBOOK_SOURCE_DIR "/engine")) {
    const auto& file = entry.path();
    const bool is_source = file.extension() == ".hpp" || file.extension() == ".cpp";
    if (!is_source || file.filename() == "parity.cpp") continue;
    const std::string text = source_of(file);
    names.merge(matches(text, std::regex(R"(string_view name = "(\w+)\")")));
    in_place.merge(matches(text, std::regex(R"re(\w>?\("(\w+_)", )re")));
  }
  // These exist in place only.
  EXPECT_EQ(names.erase("copy") + names.erase("zero"), 2U);
  names.merge(in_place);
  names.insert("checkpoint");  // has no row of its own
  EXPECT_EQ(names, names_of_facts());
}

TEST(GridIsComplete, EveryFunctionThatMakesATensorFromTensorsIsTried) {
  const std::string header = source_of("engine/tensor.hpp");
  Names functions = matches(header, std::regex(R"(\n *(?:friend )?BasicTensor(?:<T>)?&? (\w+)\()"));
  EXPECT_TRUE(functions.contains("relu") && functions.contains("mul_") &&
              functions.contains("matmul") && functions.contains("sum_to"))
      << "the header is read wrongly";
  for (const char* no_operation : {"requires_grad_", "grad", "zero_like"}) {
    EXPECT_EQ(functions.erase(no_operation), 1U) << no_operation;
  }
  const std::string texts = all_texts();
  for (const std::string& function : functions) {
    EXPECT_TRUE(std::regex_search(texts, std::regex("\\b" + function + "\\(")))
        << function << " is in no grid: tests/grid/rows_*.cpp";
  }
  for (const std::string& symbol : matches(header, std::regex(R"(BasicTensor operator(.)\()"))) {
    EXPECT_NE(texts.find(symbol), std::string::npos) << "operator" << symbol;
  }
}

}  // namespace
}  // namespace gradbook::grid
