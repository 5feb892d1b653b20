#include "lessons/workbook/lesson.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/memory.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "engine/value.hpp"
#include "lessons/06_scalars_do_not_scale/costs.hpp"
#include "reference/replay.hpp"
#include "reference/twins/06_scalars_do_not_scale.hpp"

using namespace gradbook;
using workbook::number;

namespace {

using Numbers = std::vector<double>;
using Values = std::vector<Value>;

constexpr std::size_t terms = 1000;
constexpr std::size_t width = 99;  // inputs of the network, and neurons of its hidden layer
constexpr std::size_t parameters = width * width + width + width + 1;

// [code: dot of values]
Value dot(const Values& a, const Values& b) {
  Value sum = a[0] * b[0];
  for (std::size_t i = 1; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
// [/code]

struct ValueNetwork {
  Values x;
  std::vector<Values> W1;
  Values b1;
  Values W2;
  Value b2;
};

// [code: network of values]
Value loss_of(const ValueNetwork& n) {
  Value y = n.b2;
  for (std::size_t j = 0; j < width; ++j) {
    Value z = n.b1[j];
    for (std::size_t i = 0; i < width; ++i) z += n.x[i] * n.W1[i][j];
    y += z.tanh() * n.W2[j];
  }
  return (y - 1).pow(2);
}
// [/code]

struct TensorNetwork {
  Tensor x;
  Tensor W1;
  Tensor b1;
  Tensor W2;
  Tensor b2;
};

// [code: network of tensors]
Tensor loss_of(const TensorNetwork& n) {
  Tensor h = (matmul(n.x, n.W1) + n.b1).tanh();
  Tensor y = matmul(h, n.W2) + n.b2;
  return (y - 1).pow(2);
}
// [/code]

/// A matrix of `rows` rows.
Snapshot matrix(std::size_t rows, const Numbers& numbers) {
  return {Shape{rows, numbers.size() / rows}, numbers};
}

Values values_of(const Numbers& numbers) { return {numbers.begin(), numbers.end()}; }

void append_gradients(Numbers& all, const Values& values) {
  for (const Value& value : values) all.push_back(value.grad());
}

void append_gradient(Numbers& all, const Tensor& tensor) {
  const Snapshot gradient = tensor.grad().snapshot();
  all.insert(all.end(), gradient.values.begin(), gradient.values.end());
}

void show_dot(workbook::Page& page) {
  Numbers counting(terms);
  for (std::size_t i = 0; i < terms; ++i) counting[i] = static_cast<double>(i + 1);
  const Numbers twos(terms, 2.0);
  const auto libtorch = reference::run_twin([&](reference::Precision precision) {
    return reference::twins::dot_product(precision, matrix(1, counting), matrix(terms, twos));
  });

  page.heading("A dot product");
  page.prose(
      "Two vectors of 1000 numbers: 1, 2, ..., 1000, and 2 everywhere. By hand, with Gauss, their "
      "product is 2 * 1000 * 1001 / 2 = 1001000. Out of Values:");
  page.code("dot of values");
  const Values va = values_of(counting);
  const Values vb = values_of(twos);
  Cost values;
  const std::uint64_t recorded_before = recorded_values();
  const Value v = dot(va, vb);
  v.backward();
  values.operations = recorded_values() - recorded_before;
  values.bytes = (values.operations + 2 * terms) * sizeof(ValueNode);
  auto counts = count_nodes(v);
  const reference::ReplayReport value_replay = reference::replay(v);
  Numbers value_gradient;
  append_gradients(value_gradient, va);
  values.seconds = shortest_seconds([&] { dot(va, vb).backward(); });

  page.prose(
      "A `Tensor` is an array that counts as one number in the graph: one node for all of it and "
      "one gradient, of its own shape. Here a is a row of 1000 and b a column, and their dot "
      "product is one operation, `matmul`, which lesson 08 takes apart:");
  Cost tensors;
  const std::size_t bytes_before = memory::live_bytes();
  const Tensor a = Tensor::from(matrix(1, counting), requires_grad);
  const Tensor b = Tensor::from(matrix(terms, twos), requires_grad);
  const std::uint64_t nodes_before = Node<float>::newest();
  Trace trace;
  auto scope = std::make_optional<TraceScope>(trace);
  // [code: dot of tensors]
  Tensor product = matmul(a, b);
  product.backward();
  // [/code]
  scope.reset();
  page.code("dot of tensors");
  tensors.operations = Node<float>::newest() - nodes_before;
  tensors.bytes = memory::live_bytes() - bytes_before;
  Numbers tensor_gradient;
  append_gradient(tensor_gradient, a);
  tensors.seconds = shortest_seconds([&] { matmul(a, b).backward(); });
  show_costs(page, "dot product", values, tensors);

  auto& checks = page.checks(libtorch);
  checks.compare("dot, Values", v, {.by_hand = "1001000", .twin_name = "dot"});
  checks.compare("dot, Tensors", product.item(), {.by_hand = "1001000", .twin_name = "dot"});
  checks.compare("gradient of a, Values", value_gradient, {.twin_name = "da"});
  checks.compare("gradient of a, Tensors", tensor_gradient,
                 {.precision = reference::Precision::float32, .twin_name = "da"});
  page.figure("multiplications", counts["mul"]);
  page.figure("additions", counts["add"]);
  page.figure("nodes recorded", values.operations);
  page.claim("1000 products, 999 sums", counts["mul"] == 1000 && counts["add"] == 999,
             fmt::format("{} and {}", counts["mul"], counts["add"]));
  page.claim("1999 nodes recorded", values.operations == 1999, std::to_string(values.operations));
  page.claim("1 Tensor operation", tensors.operations == 1, std::to_string(tensors.operations));
  page.replayed(value_replay, "Values, replayed");
  page.replayed(reference::replay(trace), "Tensors, replayed");
  page.prose(
      "The replay counts more: operations that backward ran are in the record of the Tensors too.");
}

/// Weights that are multiples of 1/64, so that sums of the first layer are exact in any order.
struct Start {
  Numbers x = Numbers(width);
  Numbers W1 = Numbers(width * width);
  Numbers b1 = Numbers(width);
  Numbers W2 = Numbers(width);
  double b2 = 0.125;

  Start() {
    std::size_t k = 0;
    for (double& number : x) number = static_cast<double>(k++ % 9) / 8;
    for (Numbers* weights : {&W1, &b1, &W2}) {
      for (double& number : *weights) number = (static_cast<double>(k++ * 5 % 13) - 6) / 64;
    }
  }
};

void show_network(workbook::Page& page) {
  const Start start;
  const auto libtorch = reference::run_twin([&](reference::Precision precision) {
    return reference::twins::network(precision, {{"x", matrix(1, start.x)},
                                                 {"W1", matrix(width, start.W1)},
                                                 {"b1", matrix(1, start.b1)},
                                                 {"W2", matrix(width, start.W2)},
                                                 {"b2", matrix(1, {start.b2})}});
  });

  page.heading("A network of 10000 parameters");
  page.prose(
      "99 inputs, 99 hidden tanh neurons, one output: 99 * 99 + 99 + 99 + 1 = 10000 weights, and "
      "one input to run through them. Out of Values, each weight is a node of its own:");
  page.code("network of values");
  ValueNetwork value_network{
      values_of(start.x), {}, values_of(start.b1), values_of(start.W2), start.b2};
  for (std::size_t i = 0; i < width; ++i) {
    const auto row = start.W1.begin() + static_cast<std::ptrdiff_t>(i * width);
    value_network.W1.emplace_back(row, row + width);
  }
  Cost values;
  const std::uint64_t recorded_before = recorded_values();
  const Value v = loss_of(value_network);
  v.backward();
  values.operations = recorded_values() - recorded_before;
  auto counts = count_nodes(v);
  values.bytes = (values.operations + counts[""]) * sizeof(ValueNode);
  Numbers value_gradient;
  for (const Values& row : value_network.W1) append_gradients(value_gradient, row);
  append_gradients(value_gradient, value_network.b1);
  append_gradients(value_gradient, value_network.W2);
  append_gradients(value_gradient, {value_network.b2});
  values.seconds = shortest_seconds([&] { loss_of(value_network).backward(); });

  page.prose("Out of Tensors, with x and b1 as rows, it is seven operations:");
  page.code("network of tensors");
  Cost tensors;
  const std::size_t bytes_before = memory::live_bytes();
  const TensorNetwork n{Tensor::from(matrix(1, start.x)),
                        Tensor::from(matrix(width, start.W1), requires_grad),
                        Tensor::from(matrix(1, start.b1), requires_grad),
                        Tensor::from(matrix(width, start.W2), requires_grad),
                        Tensor::from(matrix(1, {start.b2}), requires_grad)};
  const std::uint64_t nodes_before = Node<float>::newest();
  Trace trace;
  Tensor loss;
  {
    TraceScope scope(trace);
    loss = loss_of(n);
    loss.backward();
  }
  tensors.operations = Node<float>::newest() - nodes_before;
  tensors.bytes = memory::live_bytes() - bytes_before;
  Numbers tensor_gradient;
  for (const Tensor& parameter : {n.W1, n.b1, n.W2, n.b2}) {
    append_gradient(tensor_gradient, parameter);
  }
  tensors.seconds = shortest_seconds([&] { loss_of(n).backward(); });
  show_costs(page, "network", values, tensors);

  auto& checks = page.checks(libtorch);
  checks.compare("loss, Values", v, {.twin_name = "loss"});
  checks.compare("loss, Tensors", loss.item(), {.twin_name = "loss"});
  checks.compare("gradients, Values", value_gradient, {.twin_name = "gradients"});
  checks.compare("gradients, Tensors", tensor_gradient,
                 {.precision = reference::Precision::float32, .twin_name = "gradients"});
  page.claim("10000 gradients", value_gradient.size() == 10000 && parameters == 10000,
             std::to_string(value_gradient.size()));
  page.claim("19901 nodes of Values", values.operations == 19901,
             std::to_string(values.operations));
  page.claim("7 Tensor operations", tensors.operations == 7, std::to_string(tensors.operations));
  page.replayed(reference::replay(trace), "Tensors, replayed");

  const double bytes_each = static_cast<double>(values.bytes) / static_cast<double>(parameters);
  constexpr double gpt2 = 124e6;  // parameters of GPT-2 small
  page.prose(fmt::format(
      "A Value costs a node of {} bytes for each number and each operation, without what the "
      "allocator adds: {} bytes for each weight here. A Tensor costs the numbers and their "
      "gradients, 4 bytes each, and one node for each operation, not counted here. At this rate "
      "one word pushed through GPT-2 small, of 124 million "
      "weights, would leave {} of nodes.",
      sizeof(ValueNode), number(bytes_each, 0),
      workbook::bytes_text(static_cast<std::size_t>(bytes_each * gpt2))));
}

void build(workbook::Page& page, const workbook::Options&) {
  page.prose(
      "`Value` has the whole idea in it: record, walk back, multiply, add. A large model could be "
      "written with it, and would give the right gradients. This lesson counts what that costs.");
  show_dot(page);
  show_network(page);
  page.prose(
      "The calculus is the same. What changes is how much of it one node does: the record, the "
      "walk and the memory are paid for once for a whole array, and the arithmetic runs in one "
      "tight loop. From here on the numbers are Tensors, and the new question is shapes.");
  page.try_next(
      "Set `terms` to 2000. The dot product becomes 4002000 and 3999 nodes are recorded for "
      "it; the Tensor still needs one operation. The figures by hand for 1000 terms then fail.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(argc, argv,
                              {.number = 6,
                               .name = "scalars_do_not_scale",
                               .title = "Scalars do not scale",
                               .question = "Why is no large model built out of single numbers?",
                               .checks = 17},
                              build);
}
