#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/tensor.hpp"
#include "engine/value.hpp"

namespace gradbook {

/// A graph drawn twice: as text for a terminal, and in Graphviz's DOT language, from which the
/// `dot` program makes a picture.
struct Drawing {
  std::string text;  ///< one line per node, UTF-8, from the result down to the leaves
  std::string dot;   ///< a digraph whose edges point the way values flow
};

/// The graph that `root` was computed by: label, operation, value and gradient of each node. Graphs
/// of more than `most_nodes` are cut off there, which the text says.
Drawing draw(const Value& root, std::size_t most_nodes = 200);

/// Names for tensors in a drawing: a tensor does not know what it is called.
template <class T>
using Names = std::vector<std::pair<std::string, BasicTensor<T>>>;

/// The same for a tensor. Constants are not on the graph, and so not in the drawing; the value of
/// an intermediate that nothing holds any more is given as "(freed)", a gradient that was not kept
/// as
/// "(not kept)".
template <class T>
Drawing draw(const BasicTensor<T>& root, const Names<T>& names = {}, std::size_t most_nodes = 200);

}  // namespace gradbook
