#pragma once

#include <cstdint>
#include <utility>
#include <xtensor/xstorage.hpp>

#include "engine/memory.hpp"
#include "engine/pool.hpp"
#include "engine/ref.hpp"
#include "engine/shape.hpp"

namespace gradbook {

/// The bytes of a tensor, shared by all its aliases (`detach`, `reshape`) together with a version:
/// saved means unchanged, and every write bumps the version.
template <class T>
struct Storage : pool::Pooled {
  explicit Storage(std::size_t size) : data(size) {}
  static void dispose(Storage* storage) { delete storage; }

  std::uint32_t references = 0;
  std::uint32_t version = 0;  ///< number of writes in place so far
  std::uint32_t aliases = 0;  ///< live tensors on this storage
  std::uint32_t views = 0;    ///< of these, made by reshape
  xt::uvector<T, memory::CountingAllocator<T>> data;
};

/// A contiguous row-major array: a shape over shared storage. What kernels work on.
template <class T>
class Array {
 public:
  Array() = default;
  /// An uninitialized array of `shape`.
  explicit Array(Shape shape)
      : shape_(std::move(shape)), storage_(make_ref<Storage<T>>(gradbook::numel(shape_))) {}
  /// `shape` over the storage of another array, of the same number of elements.
  Array(Shape shape, Ref<Storage<T>> storage)
      : shape_(std::move(shape)), storage_(std::move(storage)) {}

  bool defined() const { return static_cast<bool>(storage_); }
  const Shape& shape() const { return shape_; }
  std::size_t size() const { return storage_->data.size(); }
  const T* data() const { return storage_->data.data(); }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size(); }
  const Ref<Storage<T>>& storage() const { return storage_; }
  std::uint32_t version() const { return storage_->version; }

  /// For filling a fresh array; a write to a shared one goes through write().
  T* fresh() { return storage_->data.data(); }

  /// The gate for writes in place: bumps the version that all aliases share.
  T* write() {
    ++storage_->version;
    return storage_->data.data();
  }

 private:
  Shape shape_;
  Ref<Storage<T>> storage_;
};

}  // namespace gradbook
