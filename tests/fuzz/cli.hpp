#pragma once

#include <csignal>

#include "lessons/workbook/console.hpp"
#include "tests/fuzz/alone.hpp"

namespace gradbook::fuzz {

/// The program `fuzz`. Exit code: 0 no disagreement, and every condition that can be judged holds;
/// 1 otherwise (failed()); 2 wrong usage or files that cannot be merged, with one line on
/// console.err; 128 + *stop where that became other than 0, with the result so far (SIGINT: 130).
int run_fuzz(int argc, const char* const* argv, workbook::Console& console, const Subject& subject,
             const volatile std::sig_atomic_t* stop = nullptr);

}  // namespace gradbook::fuzz
