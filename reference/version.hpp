#pragma once

#include <string>

namespace gradbook::reference {

/// The version of the LibTorch this was compiled with, as "1.13.1".
std::string libtorch_version();

/// How many threads LibTorch may use for one operation.
void set_num_threads(int threads);
int num_threads();

}  // namespace gradbook::reference
