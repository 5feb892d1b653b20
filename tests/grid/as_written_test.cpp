// That the grid would notice a constant of a call that the engine took for another: what a trace
// says of such a call is in order.
#include "tests/grid/as_written.hpp"

#include <algorithm>

#include "tests/grid/grid_test.hpp"

namespace gradbook::grid {
namespace {

using reference::Line;

/// A call that is not that of its line.
struct Planted {
  std::string what;
  Case tried;
  std::string reason;  ///< part of what is said about it
};

template <class F>
Planted of_one(std::string what, const Shape& shape, const Line& line, std::string reason,
               const F& wrong) {
  const Call call([wrong](const auto& in) { return wrong(in[0]); });
  return {std::move(what),
          {.text = "f(x)", .inputs = {{shape}}, .call = call, .line = line},
          std::move(reason)};
}

template <class F>
Planted product(std::string what, const Shape& a, const Shape& b, std::string reason,
                const F& wrong) {
  const Call call([wrong](const auto& in) { return wrong(in[0], in[1]); });
  return {std::move(what),
          {.text = "f(a, b)", .inputs = {{a}, {b}}, .call = call, .line = Line{"matmul", {0, 1}}},
          std::move(reason)};
}

// Where another dimension is meant, all sizes are equal: nothing but the numbers shows it.

std::vector<Planted> planted_in_reductions() {
  const Line last = {"sum", {0}, {{"dims", {-1}}, {"keepdim", {0}}}};
  const Line kept = {"sum", {0}, {{"dims", {-1}}, {"keepdim", {1}}}};
  const Line beyond = {"sum", {0}, {{"dims", {2}}, {"keepdim", {0}}}};
  const Line mean = {"mean", {0}, {{"dims", {1, -3}}, {"keepdim", {0}}}};
  const Line sum_to = {"sum_to", {0}, {{"shape", {3}}}};
  return {
      of_one("sum over another dimension", {3, 3}, last, "as it is written: element [",
             [](const auto& x) { return x.sum({0}); }),
      of_one("sum with the gradient of another one", {3, 3}, last,
             "as it is written, the gradient of input 0: element [",
             [](const auto& x) { return x.detach().sum({1}) + (x - x.detach()).sum({0}); }),
      of_one("sum that drops keepdim", {2, 3}, kept, "its shape is (2,), LibTorch has (2, 1)",
             [](const auto& x) { return x.sum({-1}); }),
      of_one("sum that keeps a dimension", {2, 3}, last, "its shape is (2, 1), LibTorch has (2,)",
             [](const auto& x) { return x.sum({-1}, true); }),
      of_one("sum over a dimension that is not there", {3, 3}, beyond,
             "LibTorch refuses it: ", [](const auto& x) { return x.sum({1}); }),
      of_one("mean over other dimensions", {3, 3, 3}, mean, "as it is written: element [",
             [](const auto& x) {
               return x.mean({1, 2});
             }),
      of_one("sum_to over the other dimension", {3, 3}, sum_to, "as it is written: element [",
             [](const auto& x) {
               return x.sum_to({3, 1}).reshape({3});
             }),
  };
}

std::vector<Planted> planted_in_shapes() {
  const Line transpose = {"transpose", {0}, {{"dim0", {-2}}, {"dim1", {-1}}}};
  const Line reshape = {"reshape", {0}, {{"shape", {2, -1}}}};
  const Line expand = {"expand", {0}, {{"shape", {3, 3}}}};
  return {
      of_one("transpose of other dimensions", {3, 3, 3}, transpose, "as it is written: element [",
             [](const auto& x) { return x.transpose(0, 1); }),
      of_one("reshape that infers another size", {4, 3}, reshape,
             "its shape is (6, 2), LibTorch has (2, 6)",
             [](const auto& x) {
               return x.reshape({-1, 2});
             }),
      of_one("expand along the other dimension", {3}, expand, "as it is written: element [",
             [](const auto& x) {
               return x.reshape({3, 1}).expand({3, 3});
             }),
  };
}

std::vector<Planted> planted_in_products() {
  const auto with_row = [](const auto& a, const auto& b) { return matmul(a.reshape({1, 3}), b); };
  return {
      product("two vectors with a product of one dimension", {3}, {3},
              "its shape is (1,), LibTorch has ()",
              [](const auto& a, const auto& b) { return matmul(a, b).reshape({1}); }),
      product("a vector that stays a row", {3}, {3, 2}, "its shape is (1, 2), LibTorch has (2,)",
              with_row),
      product("the same in a batch", {3}, {5, 3, 2}, "its shape is (5, 1, 2), LibTorch has (5, 2)",
              with_row),
      product("a vector on the other side", {3}, {3, 3}, "as it is written: element [",
              [](const auto& a, const auto& b) { return matmul(b, a); }),
  };
}

std::vector<Planted> all_planted() {
  std::vector<Planted> all = planted_in_reductions();
  for (const auto part : {planted_in_shapes, planted_in_products}) {
    for (Planted& each : part()) all.push_back(std::move(each));
  }
  return all;
}

template <class T>
class AsWritten : public testing::Test {};
TYPED_TEST_SUITE(AsWritten, BothPrecisions);

TYPED_TEST(AsWritten, ACallThatIsNotWhatItsLineSaysIsNoticed) {
  const Row row{"f", "f", {}};
  for (const Planted& planted : all_planted()) {
    const Failure failure = check_case<TypeParam>(row, planted.tried);
    EXPECT_NE(failure.find(planted.reason), std::string::npos)
        << planted.what << ": " << (failure.empty() ? "nothing was noticed" : failure);
  }
}

TYPED_TEST(AsWritten, WithoutItsLineNothingOfThatIsNoticed) {
  const Row row{"f", "f", {}};
  for (const Planted& planted : all_planted()) {
    Case tried = planted.tried;
    tried.line.reset();
    EXPECT_EQ(check_case<TypeParam>(row, tried), "") << planted.what;
  }
}

/// Does any case write something that the engine has to make something else of?
bool has_a_constant_to_resolve(const Row& row) {
  return std::any_of(row.cases.begin(), row.cases.end(), [](const Case& tried) {
    const Attributes& constants = tried.line->attributes;
    return std::any_of(constants.begin(), constants.end(), [](const auto& constant) {
      const std::vector<double>& given = constant.second;
      return std::any_of(given.begin(), given.end(), [](double number) { return number < 0; });
    });
  });
}

TEST(LinesAreComplete, EveryCallWithDimensionsSizesOrVectorsHasOne) {
  const std::set<std::string> names = {"sum",     "mean",   "sum_to", "transpose",
                                       "reshape", "expand", "matmul", "detach"};
  const std::set<std::string> counted_from_the_back = {"x.sum()", "x.mean()", "x.transpose(0, 1)",
                                                       "x.reshape({-1})"};
  std::set<std::string> seen;
  for (const Row& row : rows()) {
    if (!names.contains(row.name)) continue;
    seen.insert(row.name);
    for (const Case& tried : row.cases)
      ASSERT_TRUE(tried.line) << row.written << ": " << tried.text;
    EXPECT_EQ(has_a_constant_to_resolve(row), counted_from_the_back.contains(row.written))
        << row.written;
  }
  EXPECT_EQ(seen, names);
}

}  // namespace
}  // namespace gradbook::grid
