#include "tests/fuzz/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string_view>
#include <system_error>
#include <utility>

namespace gradbook::fuzz {
namespace {

constexpr int uncaught = 70;  // exit status of a child whose work threw

void send(int fd, std::string_view line) {
  const std::string text = std::string(line) + '\n';
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t written = ::write(fd, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) ::_exit(EXIT_FAILURE);
    left.remove_prefix(static_cast<std::size_t>(written));
  }
}

[[noreturn]] void run_child(const std::function<void(const Send&)>& work, int fd,
                            Child::Messages messages) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  if (messages == Child::Messages::hidden) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
  }
  try {
    work([fd](const std::string& line) { send(fd, line); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(uncaught);
  }
  ::_exit(EXIT_SUCCESS);  // nothing of the parent's is to be flushed or destroyed twice
}

}  // namespace

Child::Child(const std::function<void(const Send&)>& work, Messages messages) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(ends[0]);
    run_child(work, ends[1], messages);
  }
  const int error = errno;
  ::close(ends[1]);
  fd_ = ends[0];
  if (pid_ > 0) return;
  ::close(fd_);
  throw std::system_error(error, std::generic_category(), "fork");
}

Child::~Child() {
  if (pid_ > 0) {
    kill();
    wait();
  }
  ::close(fd_);
}

std::optional<std::string> Child::line(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (true) {
    if (const std::size_t end = text_.find('\n'); end != std::string::npos) {
      std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      return line;
    }
    if (at_end_) return std::nullopt;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd wanted{fd_, POLLIN, 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready <= 0) return std::nullopt;
    std::array<char, 65536> buffer;
    const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
    if (got > 0) text_.append(buffer.data(), static_cast<std::size_t>(got));
    at_end_ = got == 0 || (got < 0 && errno != EINTR);
  }
}

void Child::kill() { ::kill(pid_, SIGKILL); }

std::string Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status))
    return fmt::format("ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  const int code = WEXITSTATUS(status);
  return code == EXIT_SUCCESS ? "" : fmt::format("exited with status {}", code);
}

}  // namespace gradbook::fuzz
