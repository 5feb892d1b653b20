// Programs written by hand, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reference/program.hpp"

namespace gradbook::fuzz {

/// Adds lines to a program; each call gives the number of its line.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(reference::Precision precision = reference::Precision::float32) {
    program_.precision = precision;
  }

  std::size_t leaf(Shape shape, std::vector<double> values, bool requires_grad = false) {
    program_.lines.push_back({"leaf",
                              {},
                              {{"requires_grad", {requires_grad ? 1.0 : 0.0}}},
                              Snapshot(std::move(shape), std::move(values))});
    return program_.lines.size() - 1;
  }
  std::size_t line(std::string op, std::vector<std::size_t> inputs = {},
                   Attributes attributes = {}) {
    program_.lines.push_back({std::move(op), std::move(inputs), std::move(attributes), {}});
    return program_.lines.size() - 1;
  }

  const reference::Program& program() const { return program_; }
  reference::Program in(reference::Precision precision) const {
    reference::Program other = program_;
    other.precision = precision;
    return other;
  }

 private:
  reference::Program program_;
};

}  // namespace gradbook::fuzz
