#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <ostream>
#include <string>
#include <typeinfo>
#include <vector>

#include "engine/random.hpp"
#include "engine/tensor.hpp"

/// What several of the engine's tests say in the same words.
namespace gradbook {

/// How GoogleTest prints a snapshot.
inline void PrintTo(const Snapshot& snapshot, std::ostream* out) {
  *out << "shape " << to_string(snapshot.shape) << " values "
       << ::testing::PrintToString(snapshot.values);
}

/// A snapshot to compare with: `values` row by row.
inline Snapshot snap(Shape shape, std::vector<double> values) {
  return {std::move(shape), std::move(values)};
}

/// Standard normal values of `shape`, the same for the same seed.
template <class T = double>
BasicTensor<T> random_tensor(const Shape& shape, std::uint32_t seed) {
  return RandomState(seed).randn<T>(shape);
}

/// The message of the `E` (that class itself, not one derived from it) that `action` throws. The
/// test fails when it throws anything else or nothing.
template <class E, class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const E& error) {
    EXPECT_EQ(typeid(error), typeid(E)) << error.what();
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "an exception of another class: " << error.what();
    return {};
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

/// The message of whatever error of the engine `action` throws.
template <class Action>
std::string message_of_any(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

/// Expects each of `parts` in `message`.
inline void expect_mentions(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    EXPECT_NE(message.find(part), std::string::npos)
        << "\"" << part << "\" is missing in: " << message;
  }
}

/// Expects `actual` within `allowance` of `expected`, element by element, each element on the scale
/// of the larger of 1 and itself. Infinities must be equal; NaN must meet NaN.
inline void expect_near(const Snapshot& actual, const Snapshot& expected, double allowance,
                        const std::string& what = "") {
  ASSERT_EQ(actual.shape, expected.shape) << what;
  ASSERT_EQ(actual.values.size(), expected.values.size()) << what;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const double a = actual.values[i];
    const double e = expected.values[i];
    if (a == e || (std::isnan(a) && std::isnan(e))) continue;
    // Written so that a NaN on one side only fails.
    EXPECT_TRUE(std::abs(a - e) <= allowance * std::max(1.0, std::abs(e)))
        << what << ": element " << i << " is " << a << ", expected " << e;
  }
}

}  // namespace gradbook
