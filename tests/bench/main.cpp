#include <csignal>
#include <iostream>

#include "tests/bench/bench.hpp"

namespace {

volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int) { interrupted = 1; }

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, note_interrupt);
  return gradbook::bench::run_bench({argv + 1, argv + argc}, std::cout, std::cerr, &interrupted);
}
