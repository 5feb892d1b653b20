// The program `fuzz`. Ctrl-C, or a job scheduler's SIGTERM, ends it with the result so far.
#include <csignal>

#include "tests/fuzz/cli.hpp"
#include "tests/fuzz/commit.hpp"

namespace {

volatile std::sig_atomic_t stop = 0;

void note(int signal) { stop = signal; }

void catch_signal(int signal) {
  struct sigaction before {};
  ::sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;  // started in the background: not meant for us
  struct sigaction action {};
  action.sa_handler = note;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  catch_signal(SIGINT);
  catch_signal(SIGTERM);
  auto console = gradbook::workbook::Console::real();
  gradbook::fuzz::Subject subject = gradbook::fuzz::both_engines();
  subject.commit = gradbook::fuzz::commit();
  return gradbook::fuzz::run_fuzz(argc, argv, console, subject, &stop);
}
