#include "reference/memory.hpp"

#include <gtest/gtest.h>

#include "reference/version.hpp"

namespace gradbook::reference {
namespace {

TEST(LibTorchMemory, CountsTensorsOfKnownSize) {
  const LibTorchMemory memory;
  EXPECT_EQ(memory.live_bytes(), 0U);
  auto a = tensor_of_bytes(1000);
  EXPECT_EQ(memory.live_bytes(), 1000U);
  auto b = tensor_of_bytes(500);
  EXPECT_EQ(memory.live_bytes(), 1500U);
  a.reset();
  EXPECT_EQ(memory.live_bytes(), 500U);
  EXPECT_EQ(memory.peak_bytes(), 1500U);
}

TEST(LibTorchMemory, ThePeakCanBeMeasuredAnew) {
  LibTorchMemory memory;
  auto a = tensor_of_bytes(1000);
  a = tensor_of_bytes(10);
  EXPECT_EQ(memory.peak_bytes(), 1010U);
  memory.reset_peak();
  EXPECT_EQ(memory.peak_bytes(), 10U);
  tensor_of_bytes(100);
  EXPECT_EQ(memory.peak_bytes(), 110U);
}

TEST(LibTorchMemory, WhatCameBeforeIsNotCountedNorIsItsRelease) {
  auto before = tensor_of_bytes(1000);
  std::shared_ptr<void> counted_once;
  {
    const LibTorchMemory memory;
    before.reset();
    EXPECT_EQ(memory.live_bytes(), 0U);
    counted_once = tensor_of_bytes(100);
    EXPECT_EQ(memory.live_bytes(), 100U);
  }
  const auto not_counted = tensor_of_bytes(1000);
  const LibTorchMemory again;
  EXPECT_EQ(again.live_bytes(), 0U);
  counted_once.reset();
  EXPECT_EQ(again.live_bytes(), 0U);
  const auto counted = tensor_of_bytes(30);
  EXPECT_EQ(again.peak_bytes(), 30U);
}

TEST(LibTorchVersion, IsANumberWithPoints) {
  EXPECT_GE(libtorch_version().find('.'), 1U);
  EXPECT_NE(libtorch_version().find_first_of("123456789"), std::string::npos);
}

TEST(LibTorchThreads, CanBeSet) {
  const int before = num_threads();
  set_num_threads(1);
  EXPECT_EQ(num_threads(), 1);
  set_num_threads(before);
}

}  // namespace
}  // namespace gradbook::reference
