#pragma once

#include "engine/kernels/parallel.hpp"

namespace gradbook {

/// Lets kernels use so many threads, and then as many as before.
class Threads {
 public:
  explicit Threads(std::size_t threads) { kernels::set_num_threads(threads); }
  ~Threads() { kernels::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  std::size_t before_ = kernels::num_threads();
};

}  // namespace gradbook
