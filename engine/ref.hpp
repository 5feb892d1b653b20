#pragma once

#include <cstdint>
#include <utility>

namespace gradbook {

/// Shared ownership with the count inside the object: one pointer wide, no second allocation.
/// The graph is single-threaded, so the count is a plain integer.
///
/// `T` offers `references` (a std::uint32_t that starts at 0) and a static `T::dispose(T*)`, called
/// when the last owner goes.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* object) : object_(object) { retain(); }
  Ref(const Ref& other) : object_(other.object_) { retain(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { release(); }

  /// Stops owning. The object if that was the last owner: then the caller has to dispose of it.
  T* drop() {
    T* object = std::exchange(object_, nullptr);
    return object != nullptr && --object->references == 0 ? object : nullptr;
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.object_ == b.object_; }

 private:
  void retain() {
    if (object_ != nullptr) ++object_->references;
  }
  void release() {
    if (object_ != nullptr && --object_->references == 0) T::dispose(object_);
  }

  T* object_ = nullptr;
};

/// A new `T`, owned.
template <class T, class... Args>
Ref<T> make_ref(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace gradbook
