#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/tensor.hpp"

/// The facts behind engine/parity.md, for lessons and tests to read: what each operation saves for
/// backward, and where the engine differs from LibTorch on purpose.
namespace gradbook::parity {

/// One operation of the engine.
struct OperationFacts {
  std::string name;     ///< as in the table of derivatives and in traces: "mul"
  std::string written;  ///< how a program writes it: "a * b"
  std::string saves;    ///< in words: "a and b", "the result", "nothing"
  std::size_t bytes;    ///< saved when every input requires grad: see sample_shape()
};

/// Shape of the float32 inputs for which OperationFacts::bytes was measured (matmul: two of them,
/// square; pow and other operations with a constant: one).
Shape sample_shape();

/// All operations that can stand on a graph, measured by running each of them.
std::vector<OperationFacts> operation_facts();

/// Bytes that the operation which computed `result` keeps for its vjp, each storage counted once;
/// 0 for a leaf or a tensor that requires no grad.
template <class T>
std::size_t saved_bytes(const BasicTensor<T>& result);

/// One intended difference from LibTorch.
struct Difference {
  std::string name;      ///< short, unique: "transpose copies"
  std::string engine;    ///< what the engine does
  std::string libtorch;  ///< what LibTorch does
  std::string why;
  std::string test;  ///< the GoogleTest that holds it: "Suite.Name"
};
std::vector<Difference> differences();

/// The text of engine/parity.md. A test holds the file to it.
std::string page();

}  // namespace gradbook::parity
