#include "lessons/workbook/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

extern char** environ;

namespace gradbook::workbook {
namespace {

[[noreturn]] void fail(const char* what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read;
  Descriptor write;

  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe", errno);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
  }
};

// A program that stops reading must not end us with SIGPIPE.
class PipeSignalIgnored {
 public:
  PipeSignalIgnored() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  PipeSignalIgnored(const PipeSignalIgnored&) = delete;
  PipeSignalIgnored& operator=(const PipeSignalIgnored&) = delete;
  ~PipeSignalIgnored() { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

// What the child starts with: its three streams, and signals as if we had never touched them.
class Launch {
 public:
  Launch(int in, int out, int err) {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawn_file_actions_adddup2(&files_, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files_, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files_, err, STDERR_FILENO);
    ::posix_spawnattr_init(&attributes_);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF);
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
  ~Launch() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  // 0 where there is no such program, or none that may be run.
  pid_t start(const std::vector<std::string>& command) const {
    std::vector<char*> arguments;
    for (const std::string& argument : command)
      arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int error =
        ::posix_spawnp(&child, arguments[0], &files_, &attributes_, arguments.data(), environ);
    if (error == ENOENT || error == EACCES || error == ENOTDIR || error == ENOEXEC) return 0;
    if (error != 0) fail("posix_spawn", error);
    return child;
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

class Interrupter {
 public:
  Interrupter(pid_t child, const volatile std::sig_atomic_t* stop) : child_(child), stop_(stop) {}

  void look() {
    if (stop_ == nullptr || *stop_ == 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (!asked_) {
      ::kill(child_, SIGINT);
      asked_ = true;
      patience_ends_ = now + std::chrono::seconds(2);
    } else if (now >= patience_ends_) {
      ::kill(child_, SIGKILL);
      killed_ = true;
    }
  }

  // Then its streams are of no more interest: a process of its own may keep them open.
  bool killed() const { return killed_; }

 private:
  pid_t child_;
  const volatile std::sig_atomic_t* stop_;
  bool asked_ = false;
  bool killed_ = false;
  std::chrono::steady_clock::time_point patience_ends_;
};

void feed(Descriptor& to, std::string_view& input) {
  const ssize_t written = ::write(to.get(), input.data(), input.size());
  if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
  const bool again = written < 0 && (errno == EINTR || errno == EAGAIN);
  if (input.empty() || (written < 0 && !again)) to.close();
}

void drain(Descriptor& from, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  if (got == 0 || (got < 0 && errno != EINTR)) from.close();
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& command, std::string_view input,
                          const volatile std::sig_atomic_t* stop) {
  constexpr int look_again_ms = 100;
  const PipeSignalIgnored guard;
  Pipe in;
  Pipe out;
  Pipe err;
  ProcessResult result;
  const pid_t child = Launch(in.read.get(), out.write.get(), err.write.get()).start(command);
  if (child == 0) return result;
  result.found = true;
  in.read.close();
  out.write.close();
  err.write.close();
  if (input.empty()) in.write.close();
  ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);

  Interrupter interrupter(child, stop);
  while (!interrupter.killed() &&
         (out.read.get() >= 0 || err.read.get() >= 0 || in.write.get() >= 0)) {
    std::array<pollfd, 3> fds = {
        {{in.write.get(), POLLOUT, 0}, {out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}}};
    interrupter.look();
    if (::poll(fds.data(), fds.size(), look_again_ms) <= 0)
      continue;  // closed ones are -1: skipped
    if (fds[0].revents != 0) feed(in.write, input);
    if (fds[1].revents != 0) drain(out.read, result.out);
    if (fds[2].revents != 0) drain(err.read, result.err);
  }

  int status = 0;
  while (::waitpid(child, &status, stop == nullptr ? 0 : WNOHANG) != child) {
    interrupter.look();
    if (stop != nullptr) ::poll(nullptr, 0, 1);  // it closed its streams but still runs
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

}  // namespace gradbook::workbook
