#include "reference/version.hpp"

#include <ATen/Parallel.h>
#include <torch/version.h>

namespace gradbook::reference {

std::string libtorch_version() { return TORCH_VERSION; }

void set_num_threads(int threads) { at::set_num_threads(threads); }

int num_threads() { return at::get_num_threads(); }

}  // namespace gradbook::reference
