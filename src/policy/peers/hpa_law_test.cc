#include "policy/peers/hpa_law.h"

#include <gtest/gtest.h>

namespace docktor::peers {
namespace {

using std::chrono::seconds;

HpaKnobs hpa_knobs(bool behavior, int max = 100) {
  HpaKnobs k{.min_replicas = 1, .max_replicas = max};
  if (behavior) k.behavior = HpaBehavior{};
  return k;
}

int once(int current, double usage, double target = 10) {
  return HpaLaw(hpa_knobs(true)).sync(time_at(0), current, {{usage, target}});
}

TEST(HpaLaw, WithinTheToleranceNothingChanges) {
  EXPECT_EQ(once(4, 44), 4);  // r = 44 / (10 × 4) = 1.1
  EXPECT_EQ(once(4, 45), 5);  // r = 1.125: ceil(4.5)
  HpaKnobs k = hpa_knobs(true);
  k.behavior->down_window = {};
  EXPECT_EQ(HpaLaw(k).sync(time_at(0), 40, {{360, 10}}), 40);  // r = 0.9
  EXPECT_EQ(HpaLaw(k).sync(time_at(0), 40, {{355, 10}}), 36);  // r = 0.8875: ceil(35.5)
}

TEST(HpaLaw, NoReplicasSwitchItOff) { EXPECT_EQ(once(0, 1000), 0); }

TEST(HpaLaw, BoundsComeBeforeMetrics) {
  HpaKnobs k = hpa_knobs(true, 10);
  k.min_replicas = 3;
  EXPECT_EQ(HpaLaw(k).sync(time_at(0), 12, {{1000, 10}}), 10);
  EXPECT_EQ(HpaLaw(k).sync(time_at(0), 1, {{1000, 10}}), 3) << "not 5: this sync sees no metric";
}

// One reading of 1000 (proposal 100), then an empty queue: doubling, from max(2 × 1, 4) on, up to a peak that
// is past.
TEST(HpaLaw, WithoutBehaviorItClimbsToAPastPeak) {
  HpaLaw law(hpa_knobs(false));
  int n = law.sync(time_at(0), 1, {{1000, 10}});
  EXPECT_EQ(n, 4);
  int at = 15;
  for (const int expected : {8, 16, 32, 64, 100, 100, 100}) {
    n = law.sync(time_at(at), n, {{0, 10}});
    EXPECT_EQ(n, expected) << at;
    at += 15;
  }
  for (; at <= 300; at += 15) n = law.sync(time_at(at), n, {{0, 10}});
  EXPECT_EQ(n, 100) << "the proposal of second 0 counts for 300 s";
  EXPECT_EQ(law.sync(time_at(315), n, {{0, 10}}), 1);
}

// The same with behavior {}: 1 + 4 at once, then the clamp keeps it from climbing; down after 300 s.
TEST(HpaLaw, WithBehaviorItStaysForTheWindow) {
  HpaLaw law(hpa_knobs(true));
  int n = law.sync(time_at(0), 1, {{1000, 10}});
  EXPECT_EQ(n, 5);
  for (int at = 15; at <= 285; at += 15) {
    n = law.sync(time_at(at), n, {{0, 10}});
    ASSERT_EQ(n, 5) << at;
  }
  EXPECT_EQ(law.sync(time_at(300), n, {{0, 10}}), 1);
}

TEST(HpaLaw, UpByFourOrByAsManyAsThereAre) {
  HpaLaw law(hpa_knobs(true));
  int n = 2, at = 0;
  for (const int expected : {6, 12, 24, 48, 96, 100}) {  // +4 beats ×2 at 2 only
    n = law.sync(time_at(at), n, {{1e6, 10}});
    EXPECT_EQ(n, expected);
    at += 15;
  }
}

TEST(HpaLaw, ARateCountsFromItsPeriodsStart) {
  HpaKnobs k = hpa_knobs(true);
  k.behavior->up = {{false, 4, seconds(60)}};
  HpaLaw law(k);
  EXPECT_EQ(law.sync(time_at(0), 10, {{1000, 10}}), 14);
  EXPECT_EQ(law.sync(time_at(15), 14, {{1000, 10}}), 14);  // start = 14 − 4; 10 + 4
  EXPECT_EQ(law.sync(time_at(45), 14, {{1000, 10}}), 14);
  EXPECT_EQ(law.sync(time_at(60), 14, {{1000, 10}}), 18);  // the event at 0 is no longer newer than now − 60
}

TEST(HpaLaw, ScaleDownsHaveRatesToo) {
  HpaKnobs k = hpa_knobs(true);
  k.behavior->down_window = {};
  k.behavior->down = {{true, 50, seconds(60)}};
  HpaLaw law(k);
  EXPECT_EQ(law.sync(time_at(0), 11, {{0, 10}}), 5);  // trunc(11 × 0.5)
  EXPECT_EQ(law.sync(time_at(15), 5, {{0, 10}}), 5);  // start = 5 + 6; 5 again
  EXPECT_EQ(law.sync(time_at(60), 5, {{0, 10}}), 2);  // trunc(5 × 0.5)
  EXPECT_EQ(law.sync(time_at(120), 2, {{0, 10}}), 1);
}

// The record of the controller's start, 2, is the lowest within the up window of 30 s until second 30.
TEST(HpaLaw, AnUpWindowWaitsForTheLowest) {
  HpaKnobs k = hpa_knobs(true);
  k.behavior->up_window = seconds(30);
  HpaLaw law(k);
  EXPECT_EQ(law.sync(time_at(0), 2, {{100, 10}}), 2);
  EXPECT_EQ(law.sync(time_at(15), 2, {{100, 10}}), 2);
  EXPECT_EQ(law.sync(time_at(30), 2, {{100, 10}}), 6);  // 10 wanted, 2 + 4 allowed
}

TEST(HpaLaw, TheHighestOfSeveralMetricsAndNoFewerWhileOneIsMissing) {
  EXPECT_EQ(HpaLaw(hpa_knobs(true)).sync(time_at(0), 4, {{60, 10}, {80, 10}}), 8);
  HpaKnobs k = hpa_knobs(true);
  k.behavior->down_window = {};
  EXPECT_EQ(HpaLaw(k).sync(time_at(0), 4, {{std::nullopt, 10}, {20, 10}}), 4);
  EXPECT_EQ(HpaLaw(k).sync(time_at(0), 4, {{std::nullopt, 10}, {70, 10}}), 7);
  EXPECT_EQ(HpaLaw(k).sync(time_at(0), 4, {{std::nullopt, 10}}), 4);
  EXPECT_EQ(HpaLaw(k).sync(time_at(0), 4, {{20, 10}}), 2) << "with all of them it would go";
}

// Of a rate and a bound the one that allows less is named; where the proposal is taken nothing is.
TEST(HpaLaw, NamesTheBoundThatBinds) {
  const auto limited = [](HpaKnobs k, int current, double usage) {
    k.min_replicas = 2;
    k.downscale_stabilization = {};
    if (k.behavior) k.behavior->down_window = {};
    HpaLaw law(k);
    law.sync(time_at(0), current, {{usage, 10}});
    return std::string(law.limited());
  };
  for (const bool behavior : {false, true}) {
    EXPECT_EQ(limited(hpa_knobs(behavior), 10, 150), "");
    EXPECT_EQ(limited(hpa_knobs(behavior, 15), 10, 1000), "max_replicas")
        << "20 would be allowed by the rate";
    EXPECT_EQ(limited(hpa_knobs(behavior), 10, 1000), "scale-up limit");
  }
  HpaKnobs down = hpa_knobs(true);
  EXPECT_EQ(limited(down, 10, 0), "min_replicas");
  down.behavior->down = {{false, 4, seconds(15)}};
  EXPECT_EQ(limited(down, 10, 0), "scale-down limit");
}

}  // namespace
}  // namespace docktor::peers
