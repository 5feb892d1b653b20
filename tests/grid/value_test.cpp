// The scalar Value: every operation at all combinations of the edges of the numbers, data and
// gradients against LibTorch.
#include "engine/value.hpp"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>

#include "tests/grid/constants.hpp"
#include "tests/grid/grid_test.hpp"

namespace gradbook::grid {
namespace {

struct OfOne {
  std::string written;
  std::function<Value(const Value&)> call;
};
struct OfTwo {
  std::string written;
  std::function<Value(const Value&, const Value&)> call;
};

std::vector<OfOne> operations_of_one() {
  std::vector<OfOne> all = {
      {"-x", [](const Value& x) { return -x; }},
      {"x.exp()", [](const Value& x) { return x.exp(); }},
      {"x.log()", [](const Value& x) { return x.log(); }},
      {"x.sqrt()", [](const Value& x) { return x.sqrt(); }},
      {"x.tanh()", [](const Value& x) { return x.tanh(); }},
      {"x.sigmoid()", [](const Value& x) { return x.sigmoid(); }},
      {"x.relu()", [](const Value& x) { return x.relu(); }},
  };
  for (const double exponent : exponents) {
    all.push_back({fmt::format("x.pow({})", exponent),
                   [exponent](const Value& x) { return x.pow(exponent); }});
  }
  return all;
}

std::vector<OfTwo> operations_of_two() {
  return {
      {"a + b", [](const Value& a, const Value& b) { return a + b; }},
      {"a - b", [](const Value& a, const Value& b) { return a - b; }},
      {"a * b", [](const Value& a, const Value& b) { return a * b; }},
      {"a / b", [](const Value& a, const Value& b) { return a / b; }},
  };
}

/// Runs backward from `result` times `cotangent`, which is then the result's gradient.
Failure check(const std::string& what, const Value& result, double cotangent) {
  const Value root = result * cotangent;
  root.backward();
  const reference::ReplayReport report = reference::replay(root);
  return report.ok() ? "" : fmt::format("{}, cotangent {}: {}", what, cotangent, report.summary());
}

TEST(ValueGrid, FunctionsOfOneNumberAgreeAtTheEdges) {
  const std::vector<double> cotangents = {1, -1.5, 0, INFINITY, NAN, 1e308, 5e-324};
  Failures failures;
  for (const OfOne& operation : operations_of_one()) {
    for (const double x : edges<double>()) {
      for (const double cotangent : cotangents) {
        failures.add(check(fmt::format("{} at {}", operation.written, x), operation.call(Value(x)),
                           cotangent));
      }
    }
  }
}

TEST(ValueGrid, FunctionsOfTwoNumbersAgreeAtTheEdges) {
  const std::vector<double> numbers = edges<double>();
  Failures failures;
  for (const OfTwo& operation : operations_of_two()) {
    std::size_t next = 0;
    for (const double a : numbers) {
      for (const double b : numbers) {
        // Not all combinations of three: one cotangent after the other.
        failures.add(check(fmt::format("{} at {} and {}", operation.written, a, b),
                           operation.call(Value(a), Value(b)), numbers[next++ % 31]));
      }
    }
  }
}

TEST(ValueGrid, ANumberUsedTwiceGathersBothGradients) {
  Failures failures;
  for (const OfTwo& operation : operations_of_two()) {
    for (const double x : edges<double>()) {
      const Value number(x);
      failures.add(check(fmt::format("{} of twice {}", operation.written, x),
                         operation.call(number, number), -1.5));
    }
  }
}

TEST(ValueGrid, HasEveryOperationOfValue) {
  std::ifstream file(GRADBOOK_SOURCE_DIR "/engine/value.hpp");
  std::stringstream header;
  header << file.rdbuf();
  const std::string text = header.str();
  std::string written;
  for (const OfOne& operation : operations_of_one()) written += operation.written + "\n";
  for (const OfTwo& operation : operations_of_two()) written += operation.written + "\n";
  const std::regex function(
      R"(\n  (?:friend )?Value (operator)?([-+*/]|\w+)\((?:double|const Value|\)))");
  std::size_t found = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), function), end; match != end; ++match) {
    const std::string name = (*match)[2];
    const std::string call = (*match)[1].matched ? name : "x." + name + "(";
    EXPECT_NE(written.find(call), std::string::npos) << name << " is missing here";
    ++found;
  }
  EXPECT_EQ(found, 7U + 5) << "the header is read wrongly, or an operation is new";
}

}  // namespace
}  // namespace gradbook::grid
