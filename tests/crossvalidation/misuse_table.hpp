#pragma once

#include <functional>
#include <optional>
#include <string>
#include <typeinfo>
#include <vector>

#include "engine/tensor.hpp"

// The engine's half of the misuse table; LibTorch's is in reference/misuse/rows_*.cpp, with a row
// of each name. Both refuse, or both give the same result; where they differ on purpose the row
// names the entry of engine/parity.md that says why.

namespace gradbook::misuse {

struct Row {
  std::string name;  ///< "operation: what is wrong", or "operation, float64: what is wrong"
  std::function<Snapshot()> run;
  const std::type_info* error = nullptr;  ///< what the engine throws; null: it gives a result
  /// What the message must show: the shapes of all operands, where they are what is wrong.
  std::vector<Shape> shapes = {};
  std::string difference = {};  ///< entry of parity::differences()
  /// What the message starts with, where that is not the operation in the name.
  std::string refused_by = {};
  /// The engine's, where LibTorch has no result to hold it against.
  std::optional<Snapshot> result = {};
};

/// Stands for the refusal of the compiler.
class DoesNotCompile : public Error {
 public:
  using Error::Error;
};

/// Shapes, dimensions, elements.
std::vector<Row> shape_rows();
/// Backward in all wrong ways.
std::vector<Row> backward_rows();
/// Writes in place, gradient state, edges of the number line.
std::vector<Row> state_rows();
/// Some of the same in float64, and operands of different dtypes.
std::vector<Row> dtype_rows();
/// Checkpoints.
std::vector<Row> checkpoint_rows();
/// Where the engines differ on purpose, other than in dtypes and checkpoints.
std::vector<Row> differing_rows();

inline Tensor leaf() { return Tensor({1, 2}, requires_grad); }
inline Tensor64 leaf64() { return Tensor64({1, 2}, requires_grad); }

}  // namespace gradbook::misuse
