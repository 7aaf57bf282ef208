#include "policy/peers/laravel.h"

#include "policy/peers/test_driver.h"

namespace docktor::peers {
namespace {

// SLA 5 s, S = 0.05 s.
int workers(const LaravelView& v, double spawn = 0) {
  LaravelKnobs k;
  k.spawn = spawn;
  return laravel_workers(k, v);
}

TEST(LaravelLaw, LittlesLaw) {
  EXPECT_EQ(workers({.arrivals = 100, .current = 3}), 5);
  EXPECT_EQ(workers({.arrivals = 101, .current = 3}), 6);  // 5.05
}

TEST(LaravelLaw, TheBacklogCountsFromHalfTheSlaOn) {
  EXPECT_EQ(workers({.arrivals = 20, .backlog = 200, .oldest = 2, .current = 3}), 1);  // p = 0.4
  // p = 0.6: 200 / ((5 − 3) / 0.05) × (1 + 8 × 0.01) = 5 × 1.08.
  EXPECT_EQ(workers({.arrivals = 20, .backlog = 200, .oldest = 3, .current = 3}), 6);
  // p = 0.8: 100 / 20 × (1 + 8 × 0.09) = 8.6.
  EXPECT_EQ(workers({.arrivals = 20, .backlog = 100, .oldest = 4, .current = 3}), 9);
}

TEST(LaravelLaw, PastTheSlaTheServiceTimeIsWhatIsLeft) {
  EXPECT_EQ(workers({.backlog = 20, .oldest = 5, .current = 3}), 600);    // p = 1: 20 / max(0.05, 0.1) × 3
  EXPECT_EQ(workers({.backlog = 20, .oldest = 40, .current = 3}), 1000);  // p held at 1.5: 1 + 8, held at 5
  LaravelKnobs slow;
  slow.service_time = 2;
  EXPECT_EQ(laravel_workers(slow, {.backlog = 20, .oldest = 5, .current = 3}), 30);  // 20 / 2 × 3
}

TEST(LaravelLaw, AnUnknownAgeSpreadsTheBacklogOverTheSla) {
  EXPECT_EQ(workers({.backlog = 210, .current = 1}), 3);  // 210 / (5 / 0.05)
}

TEST(LaravelLaw, SpawningShortensTheSla) {
  // SLA' = 2: p = 0.5: 200 / ((2 − 1) / 0.05) × 1.
  EXPECT_EQ(workers({.backlog = 200, .oldest = 1, .current = 3}, 3), 10);
  // SLA' = max(1, 5 − 30): 50 / (1 / 0.05).
  EXPECT_EQ(workers({.backlog = 50, .current = 3}, 30), 3);
}

TEST(LaravelLaw, WorkAndNobodyAtItAsksForOne) {
  EXPECT_EQ(workers({.backlog = 1, .oldest = 1, .current = 0}), 1);
  EXPECT_EQ(workers({.backlog = 1, .oldest = 1, .current = 1}), 0);
}

TEST(LaravelLaw, BusyReplicasAskForOneMore) {
  EXPECT_EQ(workers({.arrivals = 60, .utilization = 0.9, .current = 4}), 5);
  EXPECT_EQ(workers({.arrivals = 60, .utilization = 0.89, .current = 4}), 3);
  EXPECT_EQ(workers({.arrivals = 200, .utilization = 1, .current = 4}), 10) << "more are wanted anyway";
}

TEST(LaravelLaw, ArrivalsAreThroughputAndGrowthTheLatestFirst) {
  // Growth 10 and 0 with weights 2 and 4: 20 / 6.
  EXPECT_NEAR(laravel_arrivals({}, 20, {{0, 0}, {5, 50}, {10, 50}}), 23.3333, 1e-3);
  EXPECT_EQ(laravel_arrivals({}, 20, {{0, 500}}), 20);
  EXPECT_EQ(laravel_arrivals({}, 20, {{0, 500}, {5, 0}}), 0) << "20 - 100 is no rate";
}

// Growth 0, 2, 4, 6, 8 with weights 2 to 32: 392 / 62, so 26.32 are seen. The rates 20, 22, ..., 28 lie on a
// line of 0.4 a second: 52 in 60 s. Half and half: 39.16.
TEST(LaravelLaw, AGoodLineIsCarriedOn) {
  const std::vector<std::pair<double, double>> rising = {{0, 0},   {5, 0},   {10, 10},
                                                         {15, 30}, {20, 60}, {25, 100}};
  EXPECT_NEAR(laravel_arrivals({}, 20, rising), 39.161, 1e-3);
  EXPECT_NEAR(laravel_arrivals({.forecast_weight = 0}, 20, rising), 26.323, 1e-3);
  // Growth 0, 8, 0, 8, 0: a line fits with R² = 0, so what is seen counts: 160 / 62.
  EXPECT_NEAR(laravel_arrivals({}, 20, {{0, 0}, {5, 0}, {10, 40}, {15, 40}, {20, 80}, {25, 80}}), 22.581,
              1e-3);
}

// At 0 nothing is known of the throughput; 1 is wanted: 10 − ceil(2.5), then 7 − 2, 5 − 2, 3 − 1, 2 − 1.
TEST(Laravel, AQuarterAtOnce) {
  Driver d(laravel_policy({}), 10);
  EXPECT_EQ(d.next({}), 7);
  EXPECT_EQ(d.changes_only_at(5, {}), 5);
  EXPECT_EQ(d.changes_only_at(10, {}), 3);
  EXPECT_EQ(d.changes_only_at(15, {}), 2);
  EXPECT_EQ(d.changes_only_at(20, {}), 1);
}

// 100/s for a minute, so 5. 4000 more without an arrival (their age is unknown): 4000 / 100 = 40. Gone again:
// one fewer, since the throughput does not vary.
TEST(Laravel, OneAtATimeWhileTheThroughputIsSteady) {
  Driver d(laravel_policy({}), 5);
  EXPECT_EQ(d.until(64, {.arrivals = 100, .settled = 100}), 5);
  EXPECT_EQ(d.changes_only_at(65, {.pending = 4000, .settled = 100}), 40);
  EXPECT_EQ(d.changes_only_at(70, {.settled = 100}), 39);
}

// 100 came in second 1: at 5 the oldest waits for 4 s: 100 / 20 × 1.72 = 8.6.
TEST(Laravel, TheOldestsAgeFollowsFromArrivals) {
  Driver d(laravel_policy({}), 1);
  d.next({});
  d.next({.pending = 100, .arrivals = 100});
  EXPECT_EQ(d.changes_only_at(5, {.pending = 100}), 9);
}

// Of 60 in second 1 and 60 in second 4, 60 are left: the oldest came in second 4, 1 s ago: not yet half the
// SLA. 12/s × 0.05.
TEST(Laravel, WhatWasBegunWaitsNoLonger) {
  Driver d(laravel_policy({}), 1);
  d.next({});
  d.until(3, {.pending = 20, .arrivals = 20});
  d.next({.pending = 60, .arrivals = 60, .settled = 60});
  EXPECT_EQ(d.next({.pending = 60}), 2);
}

// As above with at most 20: it is 20 that goes down by one, not the 40 that were asked for.
TEST(Laravel, WhatIsWantedIsHeldToTheBoundsBeforeItIsSmoothed) {
  Driver d(laravel_policy({.max_replicas = 20}), 5);
  EXPECT_EQ(d.until(64, {.arrivals = 100, .settled = 100}), 5);
  EXPECT_EQ(d.changes_only_at(65, {.pending = 4000, .settled = 100}), 20);
  EXPECT_EQ(d.changes_only_at(70, {.settled = 100}), 19);
}

}  // namespace
}  // namespace docktor::peers
