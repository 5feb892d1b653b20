#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace gradbook::reference {

/// Bytes of tensor data in LibTorch's CPU allocator, counted while one of these lives; then
/// LibTorch has its own allocator back. What was allocated before is not counted, nor is its
/// release. Of two that live at the same time, each starts the peak of both anew.
class LibTorchMemory {
 public:
  LibTorchMemory();
  ~LibTorchMemory();
  LibTorchMemory(const LibTorchMemory&) = delete;
  LibTorchMemory& operator=(const LibTorchMemory&) = delete;

  /// Bytes allocated since this object was made and not yet released.
  std::size_t live_bytes() const;
  /// The largest value of live_bytes() since then, or since the last reset_peak().
  std::size_t peak_bytes() const;
  /// Starts a new measurement: the peak becomes what is live now.
  void reset_peak();

 private:
  std::int64_t live_before_ = 0;
};

/// A LibTorch tensor of `bytes` bytes, which lives as long as what is returned: something of known
/// size to measure.
std::shared_ptr<void> tensor_of_bytes(std::size_t bytes);

}  // namespace gradbook::reference
