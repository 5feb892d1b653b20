#include "tests/fuzz/shrink.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/shrink_internal.hpp"

namespace gradbook::fuzz {

using reference::Line;
using reference::LineResult;
using reference::Precision;
using reference::Program;

Search::Search(const Program& program, const StillFails& still_fails, const ShrinkOptions& options)
    : best_(program),
      still_fails_(still_fails),
      evaluate_(options.evaluate),
      tries_left_(options.most_tries) {}

bool Search::accept(const Program& candidate) {
  if (used_up() || candidate.lines.empty() || !tried_.insert(to_text(candidate)).second)
    return false;
  --tries_left_;
  if (!still_fails_(candidate)) return false;
  best_ = candidate;
  results_.reset();
  ++accepted_;
  return true;
}

const std::vector<LineResult>& Search::results() {
  if (!results_) results_ = evaluate_ ? evaluate_(best_) : std::vector<LineResult>();
  return *results_;
}

// Half of the program at a time, then a quarter, ... then single lines; from the end, since what
// follows the failure goes first.
void drop_lines(Search& search) {
  for (std::size_t chunk = std::max<std::size_t>(search.lines().size() / 2, 1);; chunk /= 2) {
    for (std::size_t end = search.lines().size(); end > 0;) {
      const std::size_t begin = end > chunk ? end - chunk : 0;
      std::vector<bool> gone(search.lines().size(), false);
      std::fill(gone.begin() + static_cast<std::ptrdiff_t>(begin),
                gone.begin() + static_cast<std::ptrdiff_t>(end), true);
      search.accept(without(search.best(), std::move(gone)));
      end = std::min(begin, search.lines().size());
    }
    if (chunk == 1) return;
  }
}

void use_inputs_for_results(Search& search) {
  for (std::size_t i = search.lines().size(); i-- > 0;) {
    if (i >= search.lines().size() || !gives_tensor(search.lines()[i])) continue;
    const std::vector<std::size_t> inputs = search.lines()[i].inputs;
    for (const std::size_t input : inputs) {
      if (search.accept(replaced(search.best(), i, input))) break;
    }
  }
}

void use_leaves_for_results(Search& search) {
  for (std::size_t i = search.lines().size(); i-- > 0;) {
    if (i >= search.lines().size()) continue;
    const Line& line = search.lines()[i];
    if (line.op == "leaf" || !gives_tensor(line)) continue;
    const std::vector<LineResult>& results = search.results();
    if (i >= results.size() || !results[i].value) continue;
    const bool requires_grad = results[i].requires_grad;
    Program candidate = search.best();
    candidate.lines[i] = {.op = "leaf", .data = *results[i].value};
    if (requires_grad) candidate.lines[i].attributes = {{"requires_grad", {1}}};
    if (search.accept(candidate) || !requires_grad) continue;
    candidate.lines[i].attributes.clear();
    search.accept(candidate);
  }
}

namespace {

void try_attribute(Search& search, std::size_t i, std::string_view name, std::vector<double> to) {
  Program candidate = search.best();
  *attribute(candidate.lines[i], name) = std::move(to);
  search.accept(candidate);
}

// A flag that is not there is off; dims that are not there are all.
void drop_attribute(Search& search, std::size_t i, std::string_view name) {
  Program candidate = search.best();
  std::erase_if(candidate.lines[i].attributes,
                [&](const auto& each) { return each.first == name; });
  search.accept(candidate);
}

void drop_start_gradient(Search& search, std::size_t i) {
  const Line& line = search.lines()[i];
  const std::size_t without_it = line.op == "backward" ? 1 : 2;
  if ((line.op != "backward" && line.op != "grad") || line.inputs.size() <= without_it) return;
  Program candidate = search.best();
  candidate.lines[i].inputs.resize(without_it);
  search.accept(candidate);
}

void drop_dims(Search& search, std::size_t i) {
  const std::vector<double>* dims = constant(search.lines()[i], "dims");
  if (dims == nullptr) return;
  drop_attribute(search, i, "dims");
  dims = constant(search.lines()[i], "dims");
  if (dims == nullptr) return;
  for (std::size_t k = dims->size(); k-- > 0;) {
    std::vector<double> fewer = *constant(search.lines()[i], "dims");
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(k));
    if (!fewer.empty()) try_attribute(search, i, "dims", std::move(fewer));
  }
}

}  // namespace

void switch_features_off(Search& search) {
  constexpr std::array<std::string_view, 5> flags = {"create_graph", "retain_graph", "allow_unused",
                                                     "keepdim", "requires_grad"};
  for (std::size_t i = search.lines().size(); i-- > 0;) {
    for (const std::string_view name : flags) {
      if (constant(search.lines()[i], name) != nullptr) drop_attribute(search, i, name);
    }
    drop_start_gradient(search, i);
    drop_dims(search, i);
    if (const std::vector<double>* scalar = constant(search.lines()[i], "scalar")) {
      for (const double value : simpler(scalar->at(0))) try_attribute(search, i, "scalar", {value});
    }
  }
  if (search.best().precision == Precision::float64) {
    Program candidate = search.best();
    candidate.precision = Precision::float32;
    for (Line& line : candidate.lines) {
      for (double& value : line.data.values) value = static_cast<double>(static_cast<float>(value));
    }
    search.accept(candidate);
  }
}

Program shrink(const Program& program, const StillFails& still_fails,
               const ShrinkOptions& options) {
  Search search(program, still_fails, options);
  std::size_t before = 0;
  do {
    before = search.accepted();
    drop_lines(search);
    use_inputs_for_results(search);
    use_leaves_for_results(search);
    switch_features_off(search);
    shrink_shapes(search);
    simplify_values(search);
  } while (search.accepted() > before && !search.used_up());
  return search.best();
}

}  // namespace gradbook::fuzz
