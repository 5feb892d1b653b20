#include "reference/memory.hpp"

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "reference/torch.hpp"

namespace gradbook::reference {

namespace {

std::atomic<std::int64_t> live{0};
std::atomic<std::int64_t> peak{0};
std::atomic<int> period{0};  // of counting; what outlives its period no longer counts

/// A block of LibTorch's own allocator, how large it is, and when it was handed out.
struct Block {
  c10::DataPtr inner;
  std::int64_t bytes;
  int counted_in;

  static void release(void* context) {
    const std::unique_ptr<Block> block(static_cast<Block*>(context));
    if (block->counted_in == period) live -= block->bytes;
  }
};

/// Stands in front of LibTorch's own allocator and counts. Which of these members override one of
/// the base class depends on LibTorch's version: allocate() was const once, copy_data() came later.
class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) { return counted(bytes); }
  c10::DataPtr allocate(std::size_t bytes) const { return counted(bytes); }
  void copy_data(void* to, const void* from, std::size_t bytes) const {
    std::memcpy(to, from, bytes);
  }

  static CountingAllocator& instance() {
    static CountingAllocator allocator;
    return allocator;
  }
  c10::Allocator* inner() const { return inner_; }

 private:
  c10::DataPtr counted(std::size_t bytes) const {
    auto block = std::make_unique<Block>(
        Block{inner_->allocate(bytes), static_cast<std::int64_t>(bytes), period});
    const std::int64_t now = live += block->bytes;
    std::int64_t largest = peak;
    while (now > largest && !peak.compare_exchange_weak(largest, now)) {
    }
    void* data = block->inner.get();
    const c10::Device device = block->inner.device();
    return {data, block.release(), &Block::release, device};
  }

  c10::Allocator* inner_ = c10::GetCPUAllocator();
};

constexpr std::uint8_t above_the_default = 1;
int users = 0;

std::size_t at_least_zero(std::int64_t bytes) {
  return static_cast<std::size_t>(std::max<std::int64_t>(bytes, 0));
}

}  // namespace

LibTorchMemory::LibTorchMemory() {
  if (users++ == 0) {
    ++period;
    live = 0;
    c10::SetCPUAllocator(&CountingAllocator::instance(), above_the_default);
  }
  live_before_ = live;
  reset_peak();
}

LibTorchMemory::~LibTorchMemory() {
  if (--users == 0) c10::SetCPUAllocator(CountingAllocator::instance().inner(), above_the_default);
}

std::size_t LibTorchMemory::live_bytes() const { return at_least_zero(live - live_before_); }

std::size_t LibTorchMemory::peak_bytes() const { return at_least_zero(peak - live_before_); }

void LibTorchMemory::reset_peak() { peak = live.load(); }

std::shared_ptr<void> tensor_of_bytes(std::size_t bytes) {
  return std::make_shared<at::Tensor>(at::zeros({static_cast<std::int64_t>(bytes)}, at::kByte));
}

}  // namespace gradbook::reference
