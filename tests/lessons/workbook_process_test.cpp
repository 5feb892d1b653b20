// Other programs, run as processes of their own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "lessons/workbook/process.hpp"
#include "tests/lessons/workbook_fakes.hpp"

namespace gradbook::workbook {
namespace {

TEST(WorkbookProcess, CarriesALotBothWays) {
  const std::string much(3 << 20, 'x');
  const ProcessResult result = run_process({"sh", "-c", "tee /dev/stderr"}, much);
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.out, much);
  EXPECT_EQ(result.err, much);
}

TEST(WorkbookProcess, SaysHowItEnded) {
  EXPECT_FALSE(run_process({"/no/such/program"}).found);
  EXPECT_EQ(run_process({"sh", "-c", "exit 7"}).exit_code, 7);
  EXPECT_EQ(run_process({"sh", "-c", "kill -TERM $$"}).signal, SIGTERM);
  const std::string much(3 << 20, 'x');
  EXPECT_EQ(run_process({"true"}, much).exit_code, 0)
      << "a program that does not read is no accident";
}

/// Has every reader of the pipe that `writer` writes to closed it? Waits for that with `patience`
/// -1, not at all with 0.
bool nobody_reads(int writer, int patience) {
  pollfd pipe{writer, 0, 0};
  ::poll(&pipe, 1, patience);
  return (pipe.revents & POLLERR) != 0;
}

// The program leaves a child of its own, which has its streams and reads from a pipe that stays
// empty: who waits for that one waits until ctest's TIMEOUT.
TEST(WorkbookProcess, OneThatIgnoresTheInterruptIsEnded) {
  const InterruptsArrive guard;
  TemporaryFolder folder;
  const std::string started = (folder / "started").string();
  const std::string pipe = (folder / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  // Reader and writer, so that nothing has to wait for the other end to be opened. It is the child
  // that gets an end of file, should this test end early.
  const int both_ends = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  const int writer = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
  volatile std::sig_atomic_t stop = 0;
  std::thread user([&] { stop_once_there(started, stop); });
  const ProcessResult result = run_process(
      {"sh", "-c",
       "trap '' INT; (exec 3<'" + pipe + "'; : > '" + started + "'; read line <&3); true"},
      {}, &stop);
  user.join();
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "it is there still";
  EXPECT_EQ(errno, ECHILD);

  ::close(both_ends);
  EXPECT_FALSE(nobody_reads(writer, 0)) << "nobody was to wait for the child of the program";
  EXPECT_EQ(::write(writer, "\n", 1), 1);
  EXPECT_TRUE(nobody_reads(writer, -1));
  ::close(writer);
}

}  // namespace
}  // namespace gradbook::workbook
