#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/trace.hpp"
#include "reference/results.hpp"

namespace gradbook::reference {

/// One line of a Program: `x5 = mul(x1, x4)`. Its place in the program is the name of its result.
///
/// `op` is the engine's name of an operation as a Trace has it ("mul", "add_", "sum", "detach"),
/// with the constants a program would write ("dims" may be negative or out of range; no or empty
/// dims mean all):
///
///   add sub mul div add_ sub_ mul_      of two inputs, or of one and scalar
///   rsub pow                            scalar
///   gate copy_                          of two inputs
///   neg reciprocal exp log sqrt tanh sigmoid relu matmul detach zero_
///   sum mean                            dims, keepdim
///   transpose                           dim0, dim1
///   reshape expand sum_to               shape; a reshape may have one -1
///
/// or one of
///
///   leaf             a new leaf from `data`; requires_grad 0 or 1
///   clone            a copy of inputs[0], recorded
///   backward         of inputs[0], with the gradient inputs[1] if given; retain_graph,
///   create_graph
///                    (which implies retain_graph)
///   grad             of inputs[0] with respect to inputs[1], grad_output inputs[2] if given;
///                    retain_graph, create_graph, allow_unused
///   grad_of          the accumulated gradient of inputs[0], as a tensor
///   zero_grad        of inputs[0]
///   retain_grad      of inputs[0]
///   requires_grad_   of inputs[0]; wanted 0 or 1
///   no_grad          recording is off from here ...
///   end_no_grad      ... to here; neither knows how often the other was said
///   argmax           of inputs[0]; dim, or without one of all elements. Its result is numbers, no
///                    tensor to go on with
///
/// Flags that are not there are 0. What has no result, or an undefined one, may be named as an
/// input: both engines refuse it.
struct Line {
  std::string op;
  std::vector<std::size_t> inputs = {};  ///< earlier lines whose results this one uses
  Attributes attributes = {};  ///< constants by name: dims, keepdim, scalar, shape, dim0, ...
  Snapshot data = {};          ///< of a leaf
};

/// The numbers of that name among the constants of a line, or null.
const std::vector<double>* constant(const Line& line, std::string_view name);
/// The first of them; `otherwise` where there is none.
double number_or(const Line& line, std::string_view name, double otherwise);
/// All of them as integers; none where the line has no such constant.
std::vector<std::int64_t> integers_or_none(const Line& line, std::string_view name);

/// All names that Line::op may have.
std::vector<std::string> line_operations();
/// True for lines that compute a tensor from tensors, in place or not: not for leaf, backward,
/// grad, ...
bool computes_a_tensor(std::string_view op);

/// A program over tensors as plain data, which both engines can run.
struct Program {
  Precision precision = Precision::float32;
  std::vector<Line> lines;
};

/// Throws std::invalid_argument, naming the line, for what is no program: an unknown operation, an
/// input that is no earlier line, a number of inputs that does not fit, a constant that is missing.
void check_well_formed(const Program& program);

/// What a line came to.
struct LineResult {
  std::optional<Snapshot> value;  ///< nothing where the line has no result, or an undefined one
  bool requires_grad = false;
  bool is_leaf = false;
};

/// What running a program came to. It ends at the first line that raises.
struct Outcome {
  std::vector<LineResult> results;  ///< of the lines that ran
  std::string error;                ///< what the next line raised; empty: none did
  /// For each line that ran: its result once more, as it is at the end.
  std::vector<LineResult> finals;
  /// For each line that ran: the gradient that its result holds at the end, if there is one.
  std::vector<std::optional<Snapshot>> gradients;

  bool raised() const { return !error.empty(); }
};

/// What LibTorch is to do as the engine does it, where engine/parity.md says that they differ: to
/// show that it is this, and nothing else, that makes a difference.
struct Concessions {
  /// "mean over dims": nothing is saved.
  bool mean_saves_nothing = false;
  /// "batched matmul": the operands are saved as they are, not as they were laid out anew.
  bool matmul_saves_operands = false;
  /// "gate": y is saved only where g requires grad.
  bool gate_saves_for_g_only = false;
  /// "views without recording": they require no grad and have no base.
  bool unrecorded_views_are_detached = false;
  /// "gradients own their storage": no leaf's gradient is a view of something else.
  bool gradients_own_their_storage = false;
  /// "expand copies": so does the gradient of a sum, and that of transpose. No result of grad() is
  /// a view.
  bool gradients_are_no_views = false;
  /// "constants": they are saved nowhere, in recorded gradients neither.
  bool constants_are_not_saved = false;
  /// "retained gradients": grad() leaves them alone.
  bool grad_leaves_retained_gradients_alone = false;
  /// "history of views": a write to its storage that is not recorded leaves it alone.
  bool views_keep_their_history = false;
  /// "flags of saved leaves": requires_grad_() does not change what was saved before.
  bool saved_leaves_keep_their_flag = false;
  /// "second derivative of sigmoid": it is that of the first one as it is written.
  bool sigmoid_goes_by_its_rule = false;
  /// "freed graphs are refused early", "leaves accumulate in their turn", "gradient of a larger
  /// shape": of these lines' results. A backward pass that is refused on its way leaves their
  /// gradients as they were before it, and so the results that are gradients themselves.
  std::set<std::size_t> unmoved_by_refused_passes = {};
};

/// Runs a program in LibTorch. Where engine/parity.md says that the engine copies what LibTorch
/// views (transpose, expand), it copies too. Throws std::invalid_argument as check_well_formed()
/// does.
Outcome run_in_libtorch(const Program& program, const Concessions& concessions = {});

}  // namespace gradbook::reference
