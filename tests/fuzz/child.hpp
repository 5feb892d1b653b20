#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace gradbook::fuzz {

/// Writes a line to the parent; ends the process where nobody reads any more.
using Send = std::function<void(const std::string& line)>;

/// A copy of this process (fork) that does one piece of work and sends lines of text back, so that
/// whatever ends it leaves us alone. It does not take Ctrl-C and SIGTERM for itself: we decide. The
/// parent must not have run LibTorch's backward before: its threads are not copied.
class Child {
 public:
  enum class Messages { shown, hidden };  ///< what the child writes to standard error

  /// Starts `work`. Throws std::system_error where the system gives neither pipe nor process.
  explicit Child(const std::function<void(const Send&)>& work, Messages messages = Messages::shown);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Kills it if it still runs.
  ~Child();

  /// The next line, without its end, as soon as it is there. Nothing after `patience`, when a
  /// signal arrives, and at the end.
  std::optional<std::string> line(std::chrono::milliseconds patience);
  /// Has it sent all that it will?
  bool at_end() const { return at_end_; }
  void kill();
  /// Waits for its end: empty where `work` returned, else how it ended: "ended by signal 11
  /// (Segmentation fault)", "exited with status 3".
  std::string wait();

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
  bool at_end_ = false;
  std::string text_;
};

}  // namespace gradbook::fuzz
