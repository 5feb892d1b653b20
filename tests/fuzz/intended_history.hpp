#pragma once

#include <cstddef>
#include <set>
#include <unordered_map>
#include <utility>

#include "engine/trace.hpp"

namespace gradbook::fuzz {

/// Which tensors of a trace share storage, and when it was written to.
class StorageHistory {
 public:
  /// Of the steps before `end`.
  StorageHistory(const Trace& trace, std::size_t end);

  /// Was it written to after `step`: in place, or by a backward pass that added to a gradient?
  bool written_after(std::size_t step, Trace::ValueId id) const;
  /// The same number for all tensors over the same storage.
  std::size_t storage(Trace::ValueId id) const;

 private:
  void look_at(std::size_t step, const Trace::Operation& operation);
  void look_at(std::size_t step, const Trace::Backward& call);

  const Trace& trace_;
  std::unordered_map<std::size_t, std::size_t> storage_;  // of an alias: that of its original
  std::set<std::pair<std::size_t, std::size_t>> writes_;  // storage, step
};

}  // namespace gradbook::fuzz
