#include "engine/draw.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "engine/graph/walk.hpp"

namespace gradbook {

namespace {

/// A node as drawn.
struct Box {
  std::string name;       ///< a label, or a number for a nameless constant; may be empty
  std::string operation;  ///< empty for a leaf
  std::string value;
  std::string grad;
  std::vector<std::size_t> inputs;  ///< indices of boxes
};

/// The boxes of a graph, the root first.
struct Picture {
  std::vector<Box> boxes;
  bool cut_off = false;  ///< there are more nodes than were asked for
};

/// Numbers the nodes reachable from `root` in the order met, at most `most`; `describe` makes the
/// box of a node and `inputs_of` lists where it came from.
template <class NodeType, class Describe, class InputsOf>
Picture collect(const NodeType* root, std::size_t most, const Describe& describe,
                const InputsOf& inputs_of) {
  std::vector<const NodeType*> order{root};
  std::unordered_map<const NodeType*, std::size_t> index{{root, 0}};
  Picture picture;
  for (std::size_t i = 0; i < order.size(); ++i) {
    Box box = describe(*order[i]);
    for (const NodeType* input : inputs_of(*order[i])) {
      const auto [at, is_new] = index.try_emplace(input, order.size());
      if (is_new && order.size() >= most) {
        index.erase(at);
        picture.cut_off = true;
        continue;
      }
      if (is_new) order.push_back(input);
      box.inputs.push_back(index.at(input));
    }
    picture.boxes.push_back(std::move(box));
  }
  return picture;
}

/// What stands in the first column: the name and the operation.
std::string title(const Box& box) {
  if (box.operation.empty()) return box.name.empty() ? "leaf" : box.name;
  return box.name.empty() ? box.operation : fmt::format("{} = {}", box.name, box.operation);
}

/// Columns a text takes on a terminal: its code points.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string padded(const std::string& text, std::size_t columns) {
  return text + std::string(columns - std::min(columns, width(text)), ' ');
}

/// A tree with the root on top. A node that several others use is drawn once in full and then
/// referred to.
std::string as_text(const Picture& picture) {
  struct Line {
    std::string tree;
    std::size_t box;
    bool again;
  };
  struct Pending {
    std::size_t box;
    std::string lead;    ///< drawn before the node's own branch
    std::string branch;  ///< "├─ " or "└─ ", empty for the root
  };
  std::vector<Line> lines;
  std::vector<bool> drawn(picture.boxes.size());
  std::vector<Pending> stack{{0, "", ""}};
  while (!stack.empty()) {
    const Pending next = stack.back();
    stack.pop_back();
    const Box& box = picture.boxes[next.box];
    // A leaf is short: it is drawn in full every time.
    const bool again = drawn[next.box] && !box.inputs.empty();
    drawn[next.box] = true;
    lines.push_back({next.lead + next.branch + title(box), next.box, again});
    if (again) continue;
    const std::string below =
        next.branch.empty() ? "" : next.lead + (next.branch.starts_with("└") ? "   " : "│  ");
    for (std::size_t i = box.inputs.size(); i-- > 0;) {
      stack.push_back({box.inputs[i], below, i + 1 == box.inputs.size() ? "└─ " : "├─ "});
    }
  }
  std::size_t first = 0;
  std::size_t second = 0;
  for (const Line& line : lines) {
    first = std::max(first, width(line.tree));
    second = std::max(second, width(picture.boxes[line.box].value));
  }
  std::string text;
  for (const Line& line : lines) {
    const Box& box = picture.boxes[line.box];
    if (line.again) {
      text += fmt::format("{}  (drawn above)\n", padded(line.tree, first));
    } else {
      text += fmt::format("{}  value {}  grad {}\n", padded(line.tree, first),
                          padded(box.value, second), box.grad);
    }
  }
  if (picture.cut_off) text += fmt::format("... cut off after {} nodes\n", picture.boxes.size());
  return text;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '{' || c == '}' || c == '|' || c == '<' || c == '>') {
      result += '\\';
    }
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result;
}

std::string as_dot(const Picture& picture) {
  std::string dot =
      "digraph gradbook {\n  rankdir=LR;\n  node [shape=record, fontname=\"monospace\"];\n";
  for (std::size_t i = 0; i < picture.boxes.size(); ++i) {
    const Box& box = picture.boxes[i];
    dot += fmt::format("  n{} [label=\"{} | value {} | grad {}\"];\n", i, escaped(title(box)),
                       escaped(box.value), escaped(box.grad));
  }
  for (std::size_t i = 0; i < picture.boxes.size(); ++i) {
    for (const std::size_t input : picture.boxes[i].inputs) {
      dot += fmt::format("  n{} -> n{};\n", input, i);
    }
  }
  return dot + "}\n";
}

Drawing drawing(const Picture& picture) { return {as_text(picture), as_dot(picture)}; }

/// A small tensor in full on one line, a larger one by its shape.
std::string brief(const Snapshot& snapshot) {
  constexpr std::size_t most_elements = 6;
  if (snapshot.shape.empty()) return fmt::format("{:.6g}", snapshot.values[0]);
  if (snapshot.values.size() > most_elements || snapshot.shape.size() > 2) {
    return to_string(snapshot.shape);
  }
  const auto row = [&](std::size_t start, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += fmt::format("{}{:.6g}", i == 0 ? "" : ", ", snapshot.values[start + i]);
    }
    return "[" + text + "]";
  };
  if (snapshot.shape.size() == 1) return row(0, snapshot.values.size());
  std::string text;
  for (std::size_t r = 0; r < snapshot.shape[0]; ++r) {
    text += (r == 0 ? "" : ", ") + row(r * snapshot.shape[1], snapshot.shape[1]);
  }
  return "[" + text + "]";
}

}  // namespace

Drawing draw(const Value& root, std::size_t most_nodes) {
  const auto describe = [](const ValueNode& node) {
    Box box;
    box.name = node.label();
    if (node.rule != nullptr) {
      const bool has_constant = node.rule->name == "pow";
      box.operation = std::string(node.rule->name);
      if (has_constant) box.operation += fmt::format(" {:g}", node.constant);
    } else if (box.name.empty()) {
      box.name = fmt::format("{:.6g}", node.data);
    }
    box.value = fmt::format("{:.6g}", node.data);
    box.grad = fmt::format("{:.6g}", node.grad);
    return box;
  };
  const auto inputs_of = [](const ValueNode& node) {
    std::vector<const ValueNode*> inputs;
    for (const Ref<ValueNode>& parent : node.parents) {
      if (parent) inputs.push_back(parent.get());
    }
    return inputs;
  };
  return drawing(collect(&root.node(), most_nodes, describe, inputs_of));
}

template <class T>
Drawing draw(const BasicTensor<T>& root, const Names<T>& names, std::size_t most_nodes) {
  if (!root.requires_grad()) {
    throw RequiresGradError(
        fmt::format("draw: this tensor of shape {} does not require grad, so there is no graph "
                    "behind it; compute it from a leaf that requires grad",
                    to_string(root.shape())));
  }
  std::unordered_map<const Node<T>*, std::string> name_of;
  for (const auto& [name, tensor] : names) {
    if (tensor.requires_grad()) name_of[node_of(tensor).get()] = name;
  }
  const auto describe = [&](const Node<T>& node) {
    Box box;
    if (const auto found = name_of.find(&node); found != name_of.end()) box.name = found->second;
    if (!node.is_leaf()) box.operation = std::string(node.name());
    box.value = node.output == nullptr ? fmt::format("{} (freed)", to_string(node.shape))
                                       : brief(tensor_of(node).snapshot());
    box.grad = node.grad.defined()                   ? brief(node.grad.snapshot())
               : node.is_leaf() || node.retains_grad ? "none yet"
                                                     : "(not kept)";
    return box;
  };
  const auto inputs_of = [](const Node<T>& node) {
    std::vector<const Node<T>*> inputs;
    for (const Ref<Node<T>>& edge : node.edges()) {
      if (edge) inputs.push_back(edge.get());
    }
    return inputs;
  };
  return drawing(collect<Node<T>>(node_of(root).get(), most_nodes, describe, inputs_of));
}

template Drawing draw(const Tensor&, const Names<float>&, std::size_t);
template Drawing draw(const Tensor64&, const Names<double>&, std::size_t);

}  // namespace gradbook
