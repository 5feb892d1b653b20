// What the tests of the JSON output look with: it must see what is wrong.
#include "tests/lessons/json_fields.hpp"

#include <gtest/gtest.h>

namespace gradbook::workbook {
namespace {

using nlohmann::json;
using Departures = std::vector<std::string>;

TEST(JsonFields, TypesAreReadAsTheReadmeWritesThem) {
  EXPECT_TRUE(is_of(1, "integer"));
  EXPECT_FALSE(is_of(1.5, "integer"));
  EXPECT_FALSE(is_of("1", "integer"));
  EXPECT_TRUE(is_of("-inf", "number"));
  EXPECT_FALSE(is_of("high", "number"));
  EXPECT_FALSE(is_of(true, "number"));
  EXPECT_FALSE(is_of(0, "bool"));
  EXPECT_TRUE(is_of(nullptr, "number, array or null"));
  EXPECT_TRUE(is_of(json::array({1}), "number, array or null"));
  EXPECT_FALSE(is_of("x", "number, array or null"));
  EXPECT_TRUE(is_of(json::array({"a", "b"}), "array of strings"));
  EXPECT_FALSE(is_of(json::array({"a", 1}), "array of strings"));
  EXPECT_TRUE(is_of({{"a"}, {"b"}}, "array of arrays of strings"));
  EXPECT_FALSE(is_of(json::array({"a"}), "array of arrays of strings"));
  EXPECT_TRUE(is_of(nullptr, "array of numbers or null"));
  EXPECT_THROW(is_of(1, "whole number"), std::logic_error);
}

TEST(JsonFields, EveryDepartureIsSeen) {
  const Types types = {{"name", "string"},
                       {"rows", "array"},
                       {"rows[].count", "integer"},
                       {"rows[].replay", "object or null"},
                       {"rows[].replay.steps", "integer"}};
  const auto departures = [&](const char* text) {
    return departures_from(types, json::parse(text));
  };
  EXPECT_EQ(departures(R"({"name":"a","rows":[{"count":1,"replay":null}]})"), Departures{});
  EXPECT_EQ(departures(R"({"name":"a","rows":[]})"), Departures{});
  EXPECT_EQ(departures(R"({"rows":[]})"), Departures{"name is missing"});
  EXPECT_EQ(departures(R"({"name":3,"rows":[]})"), Departures{"name is no string: 3"});
  EXPECT_EQ(departures(R"({"name":"a","rows":[],"more":1})"), Departures{"more is not documented"});
  EXPECT_EQ(departures(R"({"name":"a","rows":[{"count":1,"replay":null},{"replay":{}}]})"),
            (Departures{"rows[].count is missing", "rows[].replay.steps is missing"}));
}

TEST(JsonFields, NotEveryTextIsANumber) {
  const Snapshot read = snapshot_of(json::parse(R"([[1.5, "nan"], ["inf", "-inf"]])"));
  EXPECT_EQ(read.shape, (Shape{2, 2}));
  EXPECT_TRUE(std::isnan(read.values[1]));
  EXPECT_EQ(read.values[2], std::numeric_limits<double>::infinity());
  EXPECT_EQ(read.values[3], -std::numeric_limits<double>::infinity());
  EXPECT_EQ(snapshot_of(json::parse("[[], []]")).shape, (Shape{2, 0}));
  for (const char* text : {R"("NaN")", R"("42")", "null", "true", R"([1, "x"])"}) {
    EXPECT_THROW(snapshot_of(json::parse(text)), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace gradbook::workbook
