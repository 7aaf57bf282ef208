#include "os/host_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "os/proc.h"

namespace docktor {
namespace {

namespace fs = std::filesystem;

class HostFiles : public testing::Test {
 protected:
  HostFiles() : root_(fs::temp_directory_path() / fmt::format("docktor-host-{}", ::getpid())) {
    fs::create_directories(root_);
  }
  ~HostFiles() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  // Two cores: seconds since the start, of which these were busy, and these by courtesy (nice).
  void cores(double passed, double busy0, double busy1, double nice1 = 0) const {
    const auto hz = static_cast<double>(ticks_per_second());
    const auto line = [&](int n, double busy, double nice) {
      return fmt::format("cpu{} {} {} 0 {} 0 0 0 0 0 0\n", n, static_cast<long>(busy * hz),
                         static_cast<long>(nice * hz), static_cast<long>((passed - busy - nice) * hz));
    };
    write("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\n" + line(0, busy0, 0) + line(1, busy1, nice1) +
                           "intr 12345 0 0\nctxt 99\n");
  }
  HostReader reader(std::vector<bool> cpus = {}) const { return HostReader(root_.string(), std::move(cpus)); }

  const fs::path root_;
};

TEST_F(HostFiles, MemoryAndItsPressureAreRead) {
  write("proc/meminfo", "MemTotal:        8000000 kB\nMemFree: 100 kB\nMemAvailable:    2000000 kB\n");
  write("proc/pressure/memory",
        "some avg10=31.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=12.50 avg60=0.00 avg300=0.00 total=1\n");
  const auto f = reader().look();
  ASSERT_EQ(f.memory.size(), 1U);
  EXPECT_EQ(f.memory[0].total, 8e6 * 1024);
  EXPECT_EQ(f.memory[0].available, 2e6 * 1024);
  EXPECT_TRUE(f.memory[0].whole);
  EXPECT_EQ(f.memory_stalled, 12.5);
}

TEST_F(HostFiles, WhatIsNotThereIsNotKnown) {
  const auto f = reader().look();
  EXPECT_TRUE(f.memory.empty());
  EXPECT_TRUE(f.cpu.empty());
  EXPECT_FALSE(f.memory_stalled);
}

TEST_F(HostFiles, RubbishIsNotKnown) {
  write("proc/meminfo", "MemTotal: many kB\nMemAvailable: -5 kB\n");
  write("proc/stat", std::string(1 << 20, 'x'));
  write("proc/pressure/memory", "full avg10=lots\n");
  write("proc/self/cgroup", "0::/../../elsewhere\n");
  const auto f = reader().look();
  EXPECT_TRUE(f.memory.empty());
  EXPECT_TRUE(f.cpu.empty());
  EXPECT_FALSE(f.memory_stalled);
}

TEST_F(HostFiles, CoresAreBusyWithWhatDoesNotGiveWay) {
  auto r = reader();
  cores(100, 10, 20);
  EXPECT_TRUE(r.look().cpu.empty()) << "one look tells no mean";
  cores(102, 12, 20.5, 1.5);
  const auto f = r.look();
  ASSERT_EQ(f.cpu.size(), 1U);
  EXPECT_EQ(f.cpu[0].cores, 2);
  EXPECT_NEAR(f.cpu[0].busy, 1.25, 0.01);
}

TEST_F(HostFiles, ALookTooSoonHasTheFigureBefore) {
  auto r = reader();
  cores(100, 0, 0);
  r.look();
  cores(102, 2, 2);
  r.look();
  cores(102.1, 2, 2);
  EXPECT_NEAR(r.look().cpu[0].busy, 2, 0.01);
  cores(104, 2, 2);
  EXPECT_NEAR(r.look().cpu[0].busy, 0, 0.01) << "since the last figure, not since the last look";
}

TEST_F(HostFiles, OfSomeCoresTheBusyOnesAreTold) {
  auto r = reader({false, true});
  cores(100, 0, 0);
  r.look();
  cores(102, 2, 0.5);
  const auto f = r.look();
  ASSERT_EQ(f.cpu.size(), 2U);
  EXPECT_FALSE(f.cpu[1].whole);
  EXPECT_EQ(f.cpu[1].cores, 1);
  EXPECT_NEAR(f.cpu[1].busy, 0.25, 0.01);
}

TEST_F(HostFiles, LimitsOfEachGroupAroundUsAreRead) {
  write("proc/self/cgroup", "1:name=systemd:/x\n0::/outer/inner\n");
  const std::string outer = "sys/fs/cgroup/outer/", inner = outer + "inner/";
  write(inner + "memory.max", "max\n");
  write(inner + "memory.current", "500\n");
  write(outer + "memory.max", "1000000\n");
  write(outer + "memory.high", "900000\n");
  write(outer + "memory.current", "600000\n");
  write(outer + "memory.stat", "anon 1\ninactive_file 100000\nactive_file 40000\n");
  write(inner + "cpu.max", "50000 100000\n");
  write(inner + "cpu.stat", "usage_usec 1000000\nuser_usec 1\n");
  write(outer + "cpu.max", "max 100000\n");
  auto r = reader();
  cores(100, 0, 0);
  auto f = r.look();
  ASSERT_EQ(f.memory.size(), 1U);
  EXPECT_EQ(f.memory[0].total, 900000);
  EXPECT_EQ(f.memory[0].available, 900000 - 600000 + 120000);
  EXPECT_FALSE(f.memory[0].whole);
  cores(102, 0, 0);
  write(inner + "cpu.stat", "usage_usec 1800000\nuser_usec 1\n");
  f = r.look();
  ASSERT_EQ(f.cpu.size(), 2U);
  EXPECT_EQ(f.cpu[1].cores, 0.5);
  EXPECT_NEAR(f.cpu[1].busy, 0.4, 0.01);
  EXPECT_FALSE(f.cpu[1].whole);
}

TEST_F(HostFiles, AGroupBeyondItsLimitHasNothingAndNotLess) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", "1000\n");
  write("sys/fs/cgroup/memory.current", "1200\n");
  const auto f = reader().look();
  ASSERT_EQ(f.memory.size(), 1U);
  EXPECT_EQ(f.memory[0].available, 0);
}

TEST(Host, ThisMachineIsRead) {
  HostReader r;
  const auto f = r.look();
  ASSERT_FALSE(f.memory.empty());
  for (const auto& m : f.memory) {
    EXPECT_GT(m.total, 16e6);
    EXPECT_LE(m.available, m.total);
  }
  EXPECT_GT(f.memory[0].available, 0);
}

}  // namespace
}  // namespace docktor
