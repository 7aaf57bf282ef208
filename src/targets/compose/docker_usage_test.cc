#include "targets/compose/docker_usage.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace docktor {
namespace {

using nlohmann::json;

json stats(double second, std::uint64_t total_ms, std::uint64_t system_ms) {
  return json{{"read", fmt::format("2026-01-01T00:00:{:06.3f}Z", second)},
              {"cpu_stats",
               {{"cpu_usage", {{"total_usage", total_ms * 1'000'000}}},
                {"system_cpu_usage", system_ms * 1'000'000},
                {"online_cpus", 4}}},
              {"memory_stats", {{"usage", 1000u}, {"limit", 4000u}, {"stats", {{"inactive_file", 300u}}}}}};
}

TEST(CpuPercent, IsDockersFormula) {
  // Half a second of CPU in one second on four CPUs: 50 % of one core.
  const auto a = read_counters(stats(1, 1000, 10'000).dump());
  const auto b = read_counters(stats(2, 1500, 14'000).dump());
  ASSERT_TRUE(a && b);
  EXPECT_DOUBLE_EQ(50, *cpu_percent(*a, *b));
}

TEST(CpuPercent, GoesByTheWallClockWhereTheHostsTimeIsNotTold) {
  const auto a = read_counters(stats(1, 1000, 0).dump());
  const auto b = read_counters(stats(3, 2000, 0).dump());
  EXPECT_DOUBLE_EQ(50, *cpu_percent(*a, *b));
}

TEST(CpuPercent, ARestartIsNoUsage) {
  const auto a = read_counters(stats(1, 1000, 10'000).dump());
  const auto b = read_counters(stats(2, 10, 14'000).dump());
  EXPECT_FALSE(cpu_percent(*a, *b));
}

TEST(ReadCounters, AStoppedContainerHasNone) {
  auto s = stats(1, 0, 0);
  s["read"] = "0001-01-01T00:00:00Z";
  EXPECT_FALSE(read_counters(s.dump()));
  EXPECT_FALSE(read_counters("null"));
}

TEST(ReadCounters, WhatIsNoAnswerHasNone) {
  const auto whole = stats(1, 1, 1).dump();
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(read_counters(whole.substr(0, n))) << n;
  for (const char* text : {"null", "[]", "[[1,{\"read\":2}]]", "7", "{\"read\":1,\"cpu_stats\":[]}", "\xff"})
    EXPECT_FALSE(read_counters(text)) << text;
}

// Numbers of the same names elsewhere are others.
TEST(ReadCounters, EachNumberIsTakenFromItsPlace) {
  auto s = stats(1, 1000, 10'000);
  s["precpu_stats"] = {{"cpu_usage", {{"total_usage", 1u}, {"percpu_usage", {1, 2}}}}, {"online_cpus", 9}};
  s["blkio_stats"] = {{"io", {{{"usage", 7u}}, json::array({1, 2}), json::array()}}};
  s["usage"] = 5u;
  const auto c = read_counters(s.dump());
  ASSERT_TRUE(c);
  EXPECT_EQ(c->cpu_total, 1000u * 1'000'000);
  EXPECT_EQ(c->online_cpus, 4u);
  EXPECT_DOUBLE_EQ(*c->memory, 700);
}

TEST(ReadCounters, MemoryIsWithoutInactiveFilesOfEitherCgroupVersion) {
  auto s = stats(1, 1, 1);
  EXPECT_DOUBLE_EQ(700, *read_counters(s.dump())->memory);
  s["memory_stats"]["stats"] = {{"total_inactive_file", 400u}};
  EXPECT_DOUBLE_EQ(600, *read_counters(s.dump())->memory);
  EXPECT_DOUBLE_EQ(4000, *read_counters(s.dump())->memory_limit);
}

TEST(ReadCounters, CpusAreCountedWhereOldEnginesDoNotTell) {
  auto s = stats(1, 1, 1);
  s["cpu_stats"].erase("online_cpus");
  s["cpu_stats"]["cpu_usage"]["percpu_usage"] = {1, 2, 3};
  EXPECT_EQ(3u, read_counters(s.dump())->online_cpus);
}

TEST(CpuLimit, ComesFromAnyOfTheThreeSettings) {
  EXPECT_DOUBLE_EQ(0.5, *cpu_limit({{"NanoCpus", 500'000'000}}));
  EXPECT_DOUBLE_EQ(1.5, *cpu_limit({{"NanoCpus", 0}, {"CpuQuota", 150'000}, {"CpuPeriod", 100'000}}));
  EXPECT_DOUBLE_EQ(5, *cpu_limit({{"CpusetCpus", "0-3,7"}}));
  EXPECT_FALSE(cpu_limit({{"NanoCpus", 0}, {"CpusetCpus", ""}}));
}

}  // namespace
}  // namespace docktor
