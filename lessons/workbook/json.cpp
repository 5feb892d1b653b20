#include "lessons/workbook/json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <variant>

namespace gradbook::workbook {
namespace {

using Json = nlohmann::ordered_json;

constexpr int version = 1;

Json to_json(double value) { return json_number(value); }

Json to_json(const std::vector<double>& values) {
  Json array = Json::array();
  for (const double value : values) array.push_back(to_json(value));
  return array;
}

Json nested(const Snapshot& value, std::size_t dim, std::size_t& next) {
  if (dim == value.shape.size()) return to_json(value.values[next++]);
  Json array = Json::array();
  for (std::size_t i = 0; i < value.shape[dim]; ++i) array.push_back(nested(value, dim + 1, next));
  return array;
}

Json to_json(const Snapshot& value) {
  std::size_t next = 0;
  return nested(value, 0, next);
}

Json to_json(const FigureValue& figure) {
  return std::visit(
      [](const auto& value) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Quantity>) {
          return to_json(value.value);
        } else {
          return value;
        }
      },
      figure.value);
}

const char* to_json(Scale scale) {
  switch (scale) {
    case Scale::linear:
      return "linear";
    case Scale::logarithmic:
      return "logarithmic";
    case Scale::automatic:
      break;
  }
  return "automatic";
}

Json block_json(const Heading& b) { return {{"type", "heading"}, {"text", b.text}}; }

Json block_json(const Prose& b) { return {{"type", "prose"}, {"text", b.text}}; }

Json block_json(const Code& b) { return {{"type", "code"}, {"name", b.name}, {"text", b.text}}; }

Json block_json(const Table& b) {
  return {{"type", "table"}, {"title", b.title}, {"columns", b.columns}, {"rows", b.rows}};
}

Json block_json(const Graph& b) { return {{"type", "graph"}, {"text", b.text}, {"dot", b.dot}}; }

Json block_json(const Series& b) {
  Json lines = Json::array();
  for (const Line& line : b.lines) {
    lines.push_back({{"name", line.name},
                     {"values", to_json(line.values)},
                     {"x", line.x.empty() ? Json() : to_json(line.x)}});
  }
  return {{"type", "series"},
          {"title", b.title},
          {"x_label", b.x_label},
          {"y_label", b.y_label},
          {"x_scale", to_json(b.x_scale)},
          {"y_scale", to_json(b.y_scale)},
          {"lines", std::move(lines)}};
}

Json block_json(const Output& b) { return {{"type", "output"}, {"text", b.text}}; }

Json block_json(const Comparisons& b) {
  Json rows = Json::array();
  for (const Comparison& row : b.rows) {
    const bool single = row.engine.precision == Precision::float32;
    const auto& shape = row.engine.value.shape;
    rows.push_back({{"quantity", row.quantity},
                    {"by_hand", row.by_hand.empty() ? Json() : Json(row.by_hand)},
                    {"precision", single ? "float32" : "float64"},
                    {"shape", std::vector<std::size_t>(shape.begin(), shape.end())},
                    {"engine", to_json(row.engine.value)},
                    {"libtorch", row.libtorch ? to_json(*row.libtorch) : Json()},
                    {"error", to_json(row.error)},
                    {"allowance", to_json(row.allowance)},
                    {"passed", row.ok},
                    {"reason", row.reason}});
  }
  return {{"type", "checks"}, {"rows", std::move(rows)}};
}

Json to_json(const Replay& replay) {
  return {{"steps", replay.steps},
          {"operations", replay.operations},
          {"gradients", replay.gradients},
          {"worst_ratio", to_json(replay.worst_ratio)},
          {"largest_error", to_json(replay.largest_error)},
          {"end_to_end_error", to_json(replay.end_to_end_error)},
          {"disagreements", replay.disagreements}};
}

Json block_json(const Claims& b) {
  Json rows = Json::array();
  for (const Claim& row : b.rows) {
    rows.push_back({{"statement", row.statement},
                    {"detail", row.detail},
                    {"passed", row.ok},
                    {"replay", row.replay ? to_json(*row.replay) : Json()}});
  }
  return {{"type", "claims"}, {"rows", std::move(rows)}};
}

Json block_json(const TryNext& b) { return {{"type", "try_next"}, {"text", b.text}}; }

std::string line_of(const Json& json) {
  // A message may carry bytes that are not UTF-8; they must not cost the whole result.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

nlohmann::ordered_json json_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

std::string to_json(const LessonResult& result) {
  const Tally tally = result.page.tally();
  Json figures = Json::object();
  for (const auto& [name, value] : result.page.figures()) figures[name] = to_json(value);
  Json blocks = Json::array();
  for (const Block& block : result.page.blocks()) {
    blocks.push_back(std::visit([](const auto& b) { return block_json(b); }, block));
  }
  return line_of(
      {{"format", "gradbook.lesson"},
       {"version", version},
       {"lesson", result.info.number},
       {"name", result.info.name},
       {"title", result.info.title},
       {"question", result.info.question},
       {"passed", result.passed()},
       {"error", result.error.empty() ? Json() : Json(result.error)},
       {"checks",
        {{"declared", result.info.checks}, {"made", tally.made}, {"passed", tally.passed}}},
       {"largest_error", to_json(tally.largest_error)},
       {"figures", std::move(figures)},
       {"blocks", std::move(blocks)},
       {"seconds", result.seconds}});
}

std::string about_json(const LessonInfo& info) {
  return line_of({{"format", "gradbook.about"},
                  {"version", version},
                  {"lesson", info.number},
                  {"name", info.name},
                  {"title", info.title},
                  {"question", info.question},
                  {"checks", info.checks}});
}

}  // namespace gradbook::workbook
