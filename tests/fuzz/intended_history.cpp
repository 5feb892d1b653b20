#include "tests/fuzz/intended_history.hpp"

#include <variant>

namespace gradbook::fuzz {

StorageHistory::StorageHistory(const Trace& trace, std::size_t end) : trace_(trace) {
  for (std::size_t i = 0; i < end; ++i) {
    const Trace::Step& step = trace.steps()[i];
    if (const auto* operation = std::get_if<Trace::Operation>(&step)) look_at(i, *operation);
    if (const auto* call = std::get_if<Trace::Backward>(&step)) look_at(i, *call);
  }
}

bool StorageHistory::written_after(std::size_t step, Trace::ValueId id) const {
  const auto later = writes_.upper_bound({storage(id), step});
  return later != writes_.end() && later->first == storage(id);
}

std::size_t StorageHistory::storage(Trace::ValueId id) const {
  const std::size_t tensor = trace_.values()[id].tensor;
  const auto found = storage_.find(tensor);
  return found == storage_.end() ? tensor : found->second;
}

void StorageHistory::look_at(std::size_t step, const Trace::Operation& operation) {
  if (operation.name == "detach" || operation.name == "reshape") {
    storage_[trace_.values()[operation.output].tensor] = storage(operation.inputs[0]);
  }
  if (operation.in_place) writes_.emplace(storage(operation.output), step);
}

void StorageHistory::look_at(std::size_t step, const Trace::Backward& call) {
  if (!call.inputs.empty()) return;
  for (const Trace::ValueId id : call.gradient_values) writes_.emplace(storage(id), step);
}

}  // namespace gradbook::fuzz
