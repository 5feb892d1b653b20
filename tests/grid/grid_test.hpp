// What the grid's tests share: one test for each row of the registry.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "tests/grid/run.hpp"

namespace gradbook::grid {

/// "a_plus_b": `written` as a test may be called.
inline std::string test_name(const Row& row) {
  std::string name;
  for (const char letter : row.written) {
    const bool is_word = std::isalnum(static_cast<unsigned char>(letter)) != 0;
    const std::string word = letter == '+'   ? "plus"
                             : letter == '-' ? "minus"
                             : letter == '*' ? "times"
                             : letter == '/' ? "over"
                             : is_word       ? std::string(1, letter)
                                             : "_";
    if (word != "_" || (!name.empty() && name.back() != '_')) name += word;
  }
  while (name.back() == '_') name.pop_back();
  return name + (row.name.back() == '_' ? "_in_place" : "");
}

using BothPrecisions = testing::Types<float, double>;

/// The call of a function of one tensor, or of two.
template <class F>
Call of_one(const F& function) {
  return Call([function](const auto& in) { return function(in[0]); });
}

template <class F>
Call of_two(const F& function) {
  return Call([function](const auto& in) { return function(in[0], in[1]); });
}

/// A test for each row.
class OfRow : public testing::TestWithParam<std::size_t> {
 protected:
  const Row& row() const { return rows().at(GetParam()); }
};

inline auto every_row() { return testing::Range(std::size_t{0}, rows().size()); }
inline std::vector<std::size_t> rows_with_a_gradient() {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < rows().size(); ++i) {
    if (rows()[i].records) places.push_back(i);
  }
  return places;
}
/// Rows of the grid that work element by element.
inline std::vector<std::size_t> rows_by_element() {
  std::vector<std::size_t> places = rows_with_a_gradient();
  std::erase_if(places, [](std::size_t place) { return !rows()[place].by_element; });
  return places;
}
inline std::string name_of_row(const testing::TestParamInfo<std::size_t>& info) {
  return test_name(rows().at(info.param));
}

/// Collects what went wrong in many cases of one test: it shows the first few and counts the rest.
class Failures {
 public:
  Failures() = default;
  Failures(const Failures&) = delete;
  Failures& operator=(const Failures&) = delete;
  ~Failures() {
    EXPECT_LE(failed_, shown) << failed_ << " of " << cases_ << " cases failed";
    EXPECT_GT(cases_, 0U);
  }

  void add(const Failure& failure) {
    ++cases_;
    if (failure.empty()) return;
    if (++failed_ <= shown) ADD_FAILURE() << failure;
  }

 private:
  static constexpr std::size_t shown = 5;
  std::size_t cases_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace gradbook::grid
