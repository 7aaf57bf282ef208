#include "policy/peers/flink.h"

#include <limits>

#include "policy/peers/test_driver.h"

namespace docktor::peers {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

int parallelism(const FlinkMetrics& m, int p) {
  FlinkKnobs k;
  k.max_replicas = 100;
  return flink_parallelism(k, m, p);
}

// Defaults: u = 0.7 within 0.4 to 1.0, catch-up 1800 s, restart 300 s.
TEST(FlinkLaw, BetweenTheThresholdsNothingChanges) {
  // t = 60 / 0.5 = 120; cap(1) = 60; cap(0.4) = 60 × 300/1800 + 150 = 160.
  EXPECT_EQ(parallelism({60, 0, 0, 0.5, kNone}, 6), 6);
}

TEST(FlinkLaw, DownToTheUtilizationAimedAt) {
  // t = 200 > 160; cap(0.7) = round(10 + 85.71) = 96; 6 × 96 / 200 = 2.88.
  EXPECT_EQ(parallelism({60, 0, 0, 0.3, kNone}, 6), 3);
}

TEST(FlinkLaw, DownByAtMostSixTenths) {
  EXPECT_EQ(parallelism({60, 0, 0, 0.1, kNone}, 20), 8);  // 96 / 600 = 0.16, held at 0.4
  EXPECT_EQ(parallelism({0, 0, 0, 0, kNone}, 10), 4);     // nothing to do: t is infinite
}

TEST(FlinkLaw, UpByWhatCame) {
  // a = 60 + 60 = 120; t = 60 < cap(1) = round(1800/1800 + 120) = 121; cap(0.7) = round(1 + 20 + 171.43) =
  // 192; 2 × 3.2 = 6.4.
  EXPECT_EQ(parallelism({60, 1800, 60, 1, kNone}, 2), 7);
}

TEST(FlinkLaw, WhatWasObservedCorrectsTheBusyTime) {
  // a = 200; by busy time t = 200, not below cap(1) = 200.
  EXPECT_EQ(parallelism({100, 0, 100, 0.5, kNone}, 4), 4);
  EXPECT_EQ(parallelism({100, 0, 100, 0.5, 180}, 4), 4) << "200 is within 15 % of 180";
  // t = 150; cap(0.7) = round(33.33 + 285.71) = 319; 4 × 319 / 150 = 8.51.
  EXPECT_EQ(parallelism({100, 0, 100, 0.5, 150}, 4), 9);
}

TEST(FlinkLaw, FarBehindItNeverScalesDown) {
  // t = 1000 would be far above cap(0.4) = 22 + 17 + 250.
  EXPECT_EQ(parallelism({100, 40'000, 0, 0.1, kNone}, 8), 8);
  EXPECT_EQ(parallelism({100, 30'000, 0, 0.1, kNone}, 8), 4)
      << "300 s of lag are not far behind yet: max 1 - 0.6";
}

TEST(FlinkLaw, WithinTheBoundsButNeverAcrossWhatRuns) {
  FlinkKnobs k;
  k.min_replicas = 5;
  k.max_replicas = 6;
  EXPECT_EQ(flink_parallelism(k, {60, 1800, 60, 1, kNone}, 2), 6);
  EXPECT_EQ(flink_parallelism(k, {60, 0, 0, 0.1, kNone}, 6), 5);
}

// Stabilization until 300, then a window of 900 s. At 1200: rate 40, growth 20, lag 24000 (600 s: far
// behind), t = 40; cap(0.7) = round(13.33 + 10 + 85.71) = 109; 2 × 109 / 40 = 5.45. After that 300 s and a
// window again.
TEST(Flink, DecidesOnFullWindowsOnly) {
  FlinkKnobs k;
  k.max_replicas = 100;
  Driver d(flink_policy(k), 2);
  for (int t = 0; t <= 1199; ++t)
    ASSERT_EQ(
        d.next({.pending = 20u * static_cast<unsigned>(t), .in_hand = 2, .arrivals = 60, .settled = 40}), 2)
        << t;
  EXPECT_EQ(d.next({.pending = 24'000, .in_hand = 2, .arrivals = 60, .settled = 40}), 6);
  EXPECT_EQ(d.until(2399, {.pending = 24'000, .in_hand = 6, .arrivals = 120, .settled = 120}), 6);
}

FlinkKnobs quick() {
  FlinkKnobs k;
  k.max_replicas = 100;
  k.collect = std::chrono::seconds(10);
  k.window = std::chrono::seconds(20);
  k.stabilization = Duration::zero();
  k.scale_down_interval = std::chrono::seconds(60);
  k.catch_up = std::chrono::seconds(100);
  k.restart = Duration::zero();
  return k;
}

// 10 replicas, 2 busy with 40/s: t = 200 > cap(0.4) = 100; 57 / 200 held at 0.4: 4, wanted from 20 on.
TEST(Flink, ScalesDownOnceItWantedToForTheInterval) {
  EXPECT_EQ(
      Driver(flink_policy(quick()), 10).changes_only_at(80, {.in_hand = 2, .arrivals = 40, .settled = 40}),
      4);
}

// From 21 to 40 3 are busy with 60/s: cap(0.7) = 86; 10 × 86 / 200 = 4.3: the most that was wanted is 5.
TEST(Flink, ScalesDownToTheMostThatItWanted) {
  Driver d(flink_policy(quick()), 10);
  d.until(20, {.in_hand = 2, .arrivals = 40, .settled = 40});
  d.until(40, {.in_hand = 3, .arrivals = 60, .settled = 60});
  EXPECT_EQ(d.changes_only_at(80, {.in_hand = 2, .arrivals = 40, .settled = 40}), 5);
}

// From 21 to 40 5 are busy with 100/s: t = 200 < cap(0.4) = 250, no change wanted. The wish begins anew at
// 50, whose window holds 70/s (t = 200 > 175).
TEST(Flink, AChangeOfMindBeginsTheIntervalAnew) {
  Driver d(flink_policy(quick()), 10);
  d.until(20, {.in_hand = 2, .arrivals = 40, .settled = 40});
  d.until(40, {.in_hand = 5, .arrivals = 100, .settled = 100});
  EXPECT_EQ(d.changes_only_at(110, {.in_hand = 2, .arrivals = 40, .settled = 40}),
            5);  // round(100) / 200 of 10
}

// Utilization 0.9 with a boundary of 0.3: the upper threshold is that of 1, not of 1.2. Rate 55, growth 5: t = 55 <
// cap(1) = 60, though not < cap(1.2) = 50; cap(0.9) = round(66.67), 5 × 67 / 55 = 6.09.
TEST(FlinkLaw, NobodyIsBusierThanAlways) {
  FlinkKnobs k;
  k.max_replicas = 100;
  k.utilization = 0.9;
  k.restart = Duration::zero();
  EXPECT_EQ(flink_parallelism(k, {55, 0, 5, 1, kNone}, 5), 7);
}

// A queue's workers do not restart with every change; only a setting that says so pays for it.
TEST(Flink, OnlyASettingThatSaysSoPaysForRestarts) {
  int paying = 0;
  const Peer p = flink_peer();
  for (std::size_t i = 2; i < p.settings.size(); ++i) {
    paying += p.settings[i].name.ends_with("restart start_up");
    EXPECT_TRUE(p.settings[i].name.ends_with("restart start_up") ||
                p.settings[i].name.ends_with("restart 0 s"));
  }
  EXPECT_EQ(paying, 1);
}

}  // namespace
}  // namespace docktor::peers
