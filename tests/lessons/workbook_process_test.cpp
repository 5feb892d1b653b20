// Other programs, run as processes of their own.
#include <gtest/gtest.h>

#include <chrono>
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

TEST(WorkbookProcess, OneThatIgnoresTheInterruptIsEnded) {
  const InterruptsArrive guard;
  TemporaryFolder folder;
  const std::string started = (folder / "started").string();
  volatile std::sig_atomic_t stop = 0;
  std::thread user([&] { stop_once_there(started, stop); });
  const auto begin = std::chrono::steady_clock::now();
  // The shell's own child goes on, with the streams in its hands: nobody waits for that one.
  const ProcessResult result =
      run_process({"sh", "-c", "trap '' INT; touch '" + started + "'; sleep 30; true"}, {}, &stop);
  user.join();
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(25));
}

}  // namespace
}  // namespace gradbook::workbook
