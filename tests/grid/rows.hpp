#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.hpp"
#include "reference/program.hpp"

/// The registry of the operation grid: how to call every operation of the engine, on which shapes
/// and with which constants. The grid holds each case against LibTorch; the numerical tests hold it
/// against central differences.
namespace gradbook::grid {

/// A function of several tensors, in both precisions. Made from one generic lambda.
class Call {
 public:
  template <class T>
  using Function = std::function<BasicTensor<T>(const std::vector<BasicTensor<T>>&)>;

  template <class F>
  Call(F function) : in_float32_(function), in_float64_(function) {}

  Tensor operator()(const std::vector<Tensor>& inputs) const { return in_float32_(inputs); }
  Tensor64 operator()(const std::vector<Tensor64>& inputs) const { return in_float64_(inputs); }

 private:
  Function<float> in_float32_;
  Function<double> in_float64_;
};

/// Where an input's random values lie.
enum class Domain {
  anywhere,        ///< standard normal
  positive,        ///< in [0.5, 2.5)
  away_from_zero,  ///< in [0.5, 2.5) with either sign
};

struct Input {
  Shape shape;
  Domain domain = Domain::anywhere;
};

/// One operation on inputs of given shapes.
struct Case {
  std::string text;  ///< its constants, as a program writes them: "x.sum({0, -1}, true)"
  std::vector<Input> inputs;
  Call call;
  /// Of a checkpoint: the same function without one. Results and gradients are the same to the bit.
  std::optional<Call> plain = {};
  /// The call with the constants that `text` writes, for LibTorch (as_written.hpp): where the
  /// engine makes other constants out of them, this is what shows that it makes the right ones.
  std::optional<reference::Line> line = {};
};

/// What works element by element, on any number of tensors of one shape, and so can be tried at the
/// edges of the numbers (edges_test.cpp) without a word about it there.
struct ByElement {
  /// What the constant is that the operation takes.
  enum class Constant { none, operand, exponent };

  std::size_t tensors = 1;
  std::function<Call(double constant)> call;
  Constant constant = Constant::none;
};

/// How one way to write an operation is tried.
struct Row {
  /// As in parity::OperationFacts::written, or another way to write one of those operations.
  std::string written;
  /// As parity::OperationFacts::name and Trace::Operation::name.
  std::string name;
  std::vector<Case> cases;
  /// Letters of the broadcast patterns of its cases (shapes.hpp); empty where nothing broadcasts.
  std::string patterns = {};
  /// Nothing for what needs tests of its own at the edges of the numbers.
  std::optional<ByElement> by_element = {};
  /// False for what hands on no gradient.
  bool records = true;
};

/// All rows. Every operation of parity::operation_facts() has one with the same `written`.
const std::vector<Row>& rows();

// The parts of rows().
std::vector<Row> elementwise_rows();
std::vector<Row> in_place_rows();
std::vector<Row> reduction_rows();
std::vector<Row> matmul_rows();
std::vector<Row> shape_rows();
std::vector<Row> checkpoint_rows();

/// A row of a function `(x) -> result`, element by element, on shapes of every rank.
Row row_of_one(std::string written, std::string name, const Call& call, Domain domain);

/// Element by element, without a constant.
ByElement by_element(std::size_t tensors, const Call& call);

/// "0.3", "-inf", "1e-45": a constant for the text of a case.
std::string number_text(double number);

/// `{1, -2}`: dimension numbers for the text of a case.
std::string list_text(const Dims& dims);

/// Dimension numbers or sizes as constants of a line.
std::vector<double> numbers(const Dims& dims);

/// Dimension numbers or sizes of a shape, as a program writes them.
Dims as_dims(const Shape& shape);

}  // namespace gradbook::grid
