#include "control/wait_meter.h"

#include <gtest/gtest.h>

#include <numeric>

namespace docktor {
namespace {

using namespace std::chrono_literals;

Observation sample(double at, std::uint64_t backlog, double arrivals, bool upper_bound = false) {
  Observation o;
  o.queue_at = time_at(1'000'000 + at);
  o.queue.num_pending = backlog;
  o.flow = Flow{.length = 1s, .arrivals = arrivals, .upper_bound = upper_bound};
  return o;
}
Observation first(double at, std::uint64_t backlog) {
  Observation o = sample(at, backlog, 0);
  o.flow.reset();
  return o;
}
double total(const WaitTotals& t) { return std::accumulate(t.counts.begin(), t.counts.end(), 0.0); }
Time instant(double at) { return time_at(1'000'000 + at); }

TEST(WaitMeter, KnowsNothingBeforeTheFirstSample) {
  EXPECT_FALSE(WaitMeter().oldest_wait(instant(0)).has_value());
}

TEST(WaitMeter, SeesASteadyWaitAsItIs) {
  WaitMeter m(2s);
  WaitTotals t;
  m.observe(first(0, 0), t);
  // 10 a second come; from the third second on 10 a second are begun with: each waits 3 s.
  for (int s = 1; s <= 60; ++s) m.observe(sample(s, static_cast<std::uint64_t>(std::min(s, 3)) * 10, 10), t);
  EXPECT_NEAR(total(t), 570, 1);
  EXPECT_NEAR(t.sum / total(t), 3, .1);
  EXPECT_NEAR(t.counts[5], 570, 1);  // 2.5 to 5 s
  EXPECT_NEAR(t.late, 570, 1);
  EXPECT_NEAR(*m.oldest_wait(instant(60)), 3, .01);
}

TEST(WaitMeter, TheOldestWaitGrowsWithTimeWhileNobodyWorks) {
  WaitMeter m;
  WaitTotals t;
  m.observe(first(0, 0), t);
  m.observe(sample(1, 5, 5), t);
  m.observe(sample(2, 5, 0), t);
  EXPECT_NEAR(*m.oldest_wait(instant(10)), 10, .01);
  m.observe(sample(11, 0, 0), t);
  EXPECT_EQ(*m.oldest_wait(instant(12)), 0);
}

TEST(WaitMeter, WhatWaitedBeforeTheFirstSampleIsNotCounted) {
  WaitMeter m;
  WaitTotals t;
  m.observe(first(0, 100), t);
  EXPECT_NEAR(*m.oldest_wait(instant(5)), 5, .01);  // at least so long
  m.observe(sample(1, 0, 0), t);
  EXPECT_EQ(total(t), 0);
}

TEST(WaitMeter, AResetBeginsAnew) {
  WaitMeter m;
  WaitTotals t;
  m.observe(first(0, 0), t);
  m.observe(sample(1, 5, 5), t);
  Observation again = first(2, 50);
  again.reset = true;
  m.observe(again, t);
  EXPECT_EQ(t.resets, 1U);
  m.observe(sample(3, 0, 0), t);
  EXPECT_EQ(total(t), 0);
}

// As RabbitMQ's counters: 30 come and wait long before the counters tell of them.
TEST(WaitMeter, BetweenTheStepsOfCountersWhatWaitsIsNoOlderThanTheEmptyQueue) {
  WaitMeter m;
  WaitTotals t;
  const auto between = [](double at, std::uint64_t backlog) {
    Observation o = first(at, backlog);
    o.queue.step = 8s;
    return o;
  };
  m.observe(first(0, 0), t);
  for (int s = 1; s < 50; ++s) {
    if (s % 5 == 0)
      m.observe(sample(s, 0, 0), t);
    else
      m.observe(between(s, 0), t);
  }
  m.observe(sample(50, 0, 0), t);
  m.observe(between(51, 0), t);
  m.observe(between(52, 30), t);
  EXPECT_NEAR(*m.oldest_wait(instant(52)), 1, .01);
  m.observe(between(53, 20), t);
  EXPECT_NEAR(*m.oldest_wait(instant(53)), 2, .01);
  m.observe(sample(55, 10, 30), t);
  EXPECT_NEAR(*m.oldest_wait(instant(55)), 5.0 / 3, .01) << "the last ten of what came evenly over the step";
  EXPECT_NEAR(total(t), 20, .01) << "what was begun with within the step";
  m.observe(between(56, 0), t);
  EXPECT_EQ(*m.oldest_wait(instant(56)), 0);
  m.observe(between(57, 3), t);
  EXPECT_NEAR(*m.oldest_wait(instant(58)), 2, .01);
}

TEST(WaitMeter, OfAQueueThatCountsNothingItKnowsOnlyThatNoneWaits) {
  WaitMeter m;
  WaitTotals t;
  for (int s = 0; s < 10; ++s) m.observe(first(s, 5), t);
  EXPECT_FALSE(m.oldest_wait(instant(10))) << "not a second, because the last sample is a second old";
  m.observe(first(10, 0), t);
  EXPECT_EQ(m.oldest_wait(instant(10)), 0);
}

TEST(WaitMeter, AnUpperBoundIsLeftOut) {
  WaitMeter m;
  WaitTotals t;
  m.observe(first(0, 0), t);
  m.observe(sample(1, 0, 100, true), t);
  EXPECT_EQ(total(t), 0);
  m.observe(sample(2, 0, 10), t);
  EXPECT_NEAR(total(t), 10, .01);
}

TEST(WaitMeter, ALongOutageKeepsItsMemoryBounded) {
  WaitMeter m;
  WaitTotals t;
  m.observe(first(0, 0), t);
  for (int s = 1; s <= 20'000; ++s) m.observe(sample(s, static_cast<std::uint64_t>(s), 1), t);
  EXPECT_NEAR(*m.oldest_wait(instant(20'000)), 20'000, 100);
  EXPECT_LT(sizeof(WaitMeter), 1000U);
  EXPECT_LE(*m.oldest_wait(instant(20'000)), 20'000);
}

}  // namespace
}  // namespace docktor
