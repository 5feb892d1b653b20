// What both main()s of the runner do.
#include <csignal>
#include <filesystem>

#include "lessons/workbook/runner.hpp"

namespace gradbook::workbook {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int) { interrupted = 1; }

void catch_interrupts() {
  struct sigaction before {};
  ::sigaction(SIGINT, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;  // started in the background: not meant for us
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
}

}  // namespace

int run_gradbook(int argc, char** argv, const Verify& verify) {
  catch_interrupts();
  std::error_code unknown;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const std::filesystem::path folder =
      (unknown ? std::filesystem::path(argv[0]) : self).parent_path();
  Console console = Console::real();
  return run_gradbook(argc, argv, folder, console, &interrupted, verify);
}

}  // namespace gradbook::workbook
