#include "policy/peers/knative.h"

#include "policy/peers/test_driver.h"

namespace docktor::peers {
namespace {

// Target 100 × 70 % = 70 messages waiting or in hand.
KnativeKnobs one_at_least() { return {.min_replicas = 1}; }

TEST(Knative, TheStableWindowsMeanOverTheTarget) {
  Driver d(knative_policy(one_at_least()), 1);
  EXPECT_EQ(d.until(60, {.pending = 60, .in_hand = 10}), 1);  // 70 / 70
  // 71 for 30 of 60 s: a mean of 70.5, so ceil(1.007) = 2; the panic proposal of 2 is below 2 × 2 replicas
  // after that.
  EXPECT_EQ(d.next({.pending = 61, .in_hand = 10}), 1) << "not a tick";
  EXPECT_EQ(d.next({.pending = 61, .in_hand = 10}), 2);
}

// 60 s of 10, then 700. The panic window is 6 s: at 60 (5 × 10 + 700) / 6 = 125, so 2; at 62 355: 6; at 64
// 585: 9; at 66 700: 10. The stable mean is 79 then: 2 alone.
TEST(Knative, PanicFollowsTheLastSixSeconds) {
  Driver d(knative_policy(one_at_least()), 1);
  d.ready = 1;
  EXPECT_EQ(d.until(59, {.pending = 10}), 1);
  EXPECT_EQ(d.until(60, {.pending = 700}), 2);
  EXPECT_EQ(d.changes_only_at(62, {.pending = 700}), 6);
  EXPECT_EQ(d.changes_only_at(64, {.pending = 700}), 9);
  EXPECT_EQ(d.changes_only_at(66, {.pending = 700}), 10);
}

// As above; with 10 ready the last moment of panic is 66, and 66 + 60 < now holds first at 128. Then no
// faster than halves.
TEST(Knative, NeverDownInPanicThenByHalves) {
  Driver d(knative_policy(one_at_least()), 1);
  d.ready = 1;
  d.until(59, {.pending = 10});
  EXPECT_EQ(d.until(66, {.pending = 700}), 10);
  d.ready.reset();
  EXPECT_EQ(d.changes_only_at(128, {}), 5);
  EXPECT_EQ(d.changes_only_at(130, {}), 2);
  EXPECT_EQ(d.changes_only_at(132, {}), 1);
}

TEST(Knative, BeginsInPanicWithWhatRuns) {
  EXPECT_EQ(Driver(knative_policy(one_at_least()), 5).changes_only_at(62, {}), 2);  // floor(5 / 2)
}

TEST(Knative, TheUpRateLimits) {
  KnativeKnobs k = one_at_least();
  k.max_up_rate = 2.5;
  EXPECT_EQ(Driver(knative_policy(k), 3).next({.pending = 7000}), 8);  // ceil(7.5)
}

// Active for the stable window at 60, so inactive; the grace of 30 s ends at 90.
TEST(Knative, ToZeroInSteps) {
  Driver d(knative_policy({}), 1);
  EXPECT_EQ(d.changes_only_at(90, {}), 0);
  EXPECT_EQ(d.until(100, {}), 0);
  EXPECT_EQ(d.changes_only_at(102, {.pending = 1}), 1);
  // Nothing is left in the window at 162, when it was active for 60 s; the grace ends at 192.
  EXPECT_EQ(d.changes_only_at(192, {}), 0);
}

TEST(Knative, AScaleDownDelayHoldsTheHighest) {
  KnativeKnobs k = one_at_least();
  k.stable_window = std::chrono::seconds(10);
  k.panic_threshold = 1000;
  k.scale_down_delay = std::chrono::seconds(20);
  Driver d(knative_policy(k), 1);
  EXPECT_EQ(d.until(40, {.pending = 140}), 2);
  // At 42 the mean is (8 × 140 + 2 × 0) / 10 = 112: still 2; at 46 56: 1. The last 2 was wanted at 44 (84),
  // so it holds below 64.
  EXPECT_EQ(d.changes_only_at(64, {}), 1);
}

TEST(Knative, AGapCountsAsNothing) {
  Driver d(knative_policy(one_at_least()), 1);
  d.next({.pending = 65});
  d.skip_to(10);
  // (65 + 700) / 11 buckets = 69.5; a mean of the two samples would be 382.
  EXPECT_EQ(d.next({.pending = 700}), 1);
}

TEST(Knative, RequestsPerSecondCountArrivals) {
  KnativeKnobs k = one_at_least();
  k.rps = true;
  k.total = 20;
  Driver d(knative_policy(k), 4);
  EXPECT_EQ(d.until(70, {.pending = 1000, .arrivals = 28}), 2);  // 28 / 14
}

// 0.1 + 0.2 + 0.3 less the same leaves 2.8e-17, which would ask for one replica for ever.
TEST(Knative, WhatRoundingLeftAsksForNoReplica) {
  KnativeKnobs k;
  k.rps = true;
  k.total = 20;
  Driver d(knative_policy(k), 1);
  for (const double arrivals : {0.0, 0.1, 0.2, 0.3}) d.next({.arrivals = arrivals});
  EXPECT_EQ(d.until(200, {}), 0);
}

}  // namespace
}  // namespace docktor::peers
