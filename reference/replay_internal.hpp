// The parts of a replay. Internal to reference/.
#pragma once

#include <string>

#include "reference/replay.hpp"
#include "reference/torch.hpp"
#include "reference/verdict.hpp"

namespace gradbook::reference {

/// LibTorch's word on one step: in float64, in the precision of the trace (empty for a float64
/// trace, which has no other peer than the truth), and the scale.
struct Answer {
  Snapshot truth;
  Snapshot peer;
  Snapshot scale;
  double terms = 1;  ///< how many numbers each element sums up
};

/// LibTorch's word on a step of `trace`, from the engine's own recorded inputs. Throws Error where
/// the operation has no LibTorch counterpart, and what LibTorch throws where it refuses.
Answer answer_to(const Trace& trace, const Trace::Operation& operation);
Answer answer_to(const Trace& trace, const Trace::Gradient& gradient);
Answer answer_to(const Trace& trace, const Trace::Accumulation& sum);

/// Judges and keeps what was found.
class Findings {
 public:
  explicit Findings(Precision precision) : precision_(precision) {}

  Precision precision() const { return precision_; }
  void judge(std::size_t step, const std::string& operation, const Snapshot& engine,
             const Answer& answer);
  /// The same for who says later what it is about: what is held against `engine`, or nothing.
  std::string held_against(const Snapshot& engine, const Answer& answer);
  void disagree(std::size_t step, const std::string& operation, const std::string& what);
  void count_operation() { ++report_.operations; }
  void count_gradient() { ++report_.gradients; }
  /// A difference of the whole program, relative to the scale of its result.
  void end_to_end(const Snapshot& engine, const Snapshot& libtorch);
  /// The report, its disagreements in the order of the steps.
  ReplayReport report() &&;

 private:
  Precision precision_;
  ReplayReport report_;
};

/// Every operation, every vjp and every sum of two gradients, each on its recorded inputs.
void replay_steps(const Trace& trace, Findings& findings);

/// What arrives at each operation and each leaf in a backward pass is the sum of what was sent
/// there, and nothing was left out.
void replay_flow(const Trace& trace, Findings& findings);

/// The whole program as a LibTorch graph of its own.
void replay_program(const Trace& trace, Findings& findings);

/// LibTorch's error message without its backtrace: the first line.
std::string first_line(const std::exception& error);

}  // namespace gradbook::reference
