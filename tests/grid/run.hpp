#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/trace.hpp"
#include "reference/replay.hpp"
#include "tests/grid/rows.hpp"

/// Runs cases of the grid in the engine and holds them against LibTorch.
namespace gradbook::grid {

/// Random values, the same for the same place and order of drawing. All of them are multiples of
/// 2^-20, which float32 holds too.
Snapshot random_values(const Input& input, std::uint32_t seed);

/// A seed of the case's own, so that no case depends on those before it.
std::uint32_t seed_of(const Row& row, const Case& tried);

/// Runs `program`, a function of the trace's tensors, and gives its trace.
template <class Program>
Trace traced(const Program& program) {
  Trace trace;
  const TraceScope scope(trace);
  program();
  return trace;
}

/// Leaves of the case's inputs, which require grad.
template <class T>
std::vector<BasicTensor<T>> leaves(const Row& row, const Case& tried);

/// What is wrong with a case; empty where all is well.
using Failure = std::string;

/// The case and its backward pass from a random cotangent, replayed in LibTorch: shapes, values,
/// and the gradient of every input. And the case's line in LibTorch, where it has one. `trace` is
/// what was recorded.
template <class T>
Failure check_case(const Row& row, const Case& tried, Trace* trace = nullptr);

/// The same for the gradients of the gradients: a random sum of the case's gradients,
/// differentiated once more. All numbers are positive, so that nothing cancels and the whole has a
/// scale to hold its errors against.
template <class T>
Failure check_second_order(const Row& row, const Case& tried);

/// The same for inputs out of the case's own domains, and random numbers of either sign for the
/// rest: both sides of relu. Only the verdict on each step counts.
template <class T>
Failure check_second_order_of_both_signs(const Row& row, const Case& tried);

/// `program` of leaves with these values, and a backward pass from `cotangent`, replayed in
/// LibTorch. Only the verdict on each step counts: values may be such that a whole program has no
/// scale.
template <class T>
Failure check_values(const std::string& text, const Call& program,
                     const std::vector<Snapshot>& inputs, const Snapshot& cotangent);

/// Names of the operations in a trace, those of backward passes among them.
std::set<std::string> operations_in(const Trace& trace);

/// Shapes of what the program's first operation called `name` took: of both inputs or, where there
/// is one, of that and the shape named by its attribute.
std::pair<Shape, Shape> shapes_taken(const Trace& trace, const std::string& name);

}  // namespace gradbook::grid
