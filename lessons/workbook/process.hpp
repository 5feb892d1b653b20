// Another program, run as a process of its own.
#pragma once

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

namespace gradbook::workbook {

struct ProcessResult {
  bool found = false;  // the program could be started at all
  int exit_code = -1;  // -1 where a signal ended it
  int signal = 0;      // the signal, else 0
  std::string out;
  std::string err;

  bool succeeded() const { return found && exit_code == 0; }
};

/// Runs `command` (looked up on PATH unless it has a slash) with `input` as its standard input, and
/// waits for its end. While *stop becomes other than 0, the program is interrupted (SIGINT; SIGKILL
/// two seconds later), and its result is what it came to. Throws std::system_error where the system
/// gives neither pipe nor process.
ProcessResult run_process(const std::vector<std::string>& command, std::string_view input = {},
                          const volatile std::sig_atomic_t* stop = nullptr);

}  // namespace gradbook::workbook
