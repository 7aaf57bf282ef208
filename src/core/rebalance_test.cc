// What is believed of rebalances, what it holds up, and what a wrong belief costs.
#include "core/rebalance.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/autoscaler.h"
#include "core/test_policy.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;
using test::FixedPolicy;

class RebalanceMeterTest : public testing::Test {
 protected:
  // So many seconds with a sample each.
  void pass(int seconds, bool rebalancing) {
    for (int i = 0; i < seconds; ++i) meter.observe(time_at(t += 1), replicas, rebalancing);
  }
  // A change of the replicas, and the rebalance that it brings.
  void change(int length) {
    ++replicas;
    pass(2, false);
    pass(length, true);
    pass(1, false);
  }
  double believed() const { return to_seconds(meter.seen().length); }

  double t = 1000;
  int replicas = 1;
  RebalanceMeter meter;
};

TEST_F(RebalanceMeterTest, WithoutARebalanceNothingIsBelieved) {
  for (int i = 0; i < 5; ++i) {
    ++replicas;
    pass(100, false);
  }
  EXPECT_EQ(believed(), 0);
  EXPECT_FALSE(meter.seen().over);
}

TEST_F(RebalanceMeterTest, ALongerOneIsBelievedAtOnceAndALongOneIsSoonForgotten) {
  change(4);
  EXPECT_EQ(believed(), 4);
  EXPECT_EQ(meter.seen().over, time_at(t));
  change(300);  // one that does not end is no measure
  EXPECT_EQ(believed(), 60);
  int changes = 0;
  for (; believed() > 3; ++changes) change(1);
  EXPECT_LE(changes, 5);
  for (int i = 0; i < 10; ++i) change(1);
  EXPECT_NEAR(believed(), 1, 0.1);
}

TEST_F(RebalanceMeterTest, WorkersThatNoLongerStandStillAreBelievedInTime) {
  change(20);
  for (int i = 0; i < 7; ++i) {
    ++replicas;
    pass(90, false);
  }
  EXPECT_EQ(believed(), 0);
}

// The one in its place joins at once, and all wait until the dead one's session is over.
TEST_F(RebalanceMeterTest, WhatAKilledWorkerCostsIsNoMeasureOfAChange) {
  change(4);
  pass(100, false);
  pass(43, true);
  pass(1, false);
  EXPECT_EQ(believed(), 4) << "no change went before";
  EXPECT_EQ(meter.seen().over, time_at(t)) << "and yet it is over only now";
  const auto with = [&](int seconds, bool rebalancing, std::uint64_t consumers) {
    for (int i = 0; i < seconds; ++i) meter.observe(time_at(t += 1), replicas, rebalancing, consumers);
  };
  with(90, false, 4);  // two are somebody else's
  ++replicas;
  with(1, false, 4);
  with(40, true, 6);  // one of them is dead
  with(1, false, 5);
  EXPECT_EQ(believed(), 4);
  with(90, false, 5);
  --replicas;
  with(5, false, 5);  // the one that is to go has work in hand
  with(9, true, 4);
  with(1, false, 4);
  EXPECT_EQ(believed(), 9) << "a change's own";
}

TEST_F(RebalanceMeterTest, ARestartKnowsWhetherAChangeWentBefore) {
  change(4);
  pass(100, false);
  pass(5, true);
  nlohmann::json state;
  meter.save(state);
  RebalanceMeter other;
  other.restore(state, time_at(t));
  other.observe(time_at(t + 25), replicas, false);
  EXPECT_EQ(to_seconds(other.seen().length), 4);
}

TEST_F(RebalanceMeterTest, ChangesThatComeTogetherAreOne) {
  change(20);
  for (int i = 0; i < 7; ++i) {  // an engine that starts one after the other
    ++replicas;
    pass(3, false);
  }
  EXPECT_EQ(believed(), 20);
}

TEST_F(RebalanceMeterTest, ARestartForgetsNothing) {
  change(20);
  ++replicas;
  pass(2, false);
  pass(5, true);
  nlohmann::json state;
  meter.save(state);
  RebalanceMeter other;
  other.restore(state, time_at(t));
  EXPECT_EQ(other.seen().length, meter.seen().length);
  EXPECT_EQ(other.seen().over, meter.seen().over);
  other.observe(time_at(t + 25), replicas, false);
  EXPECT_EQ(to_seconds(other.seen().length), 29.0);
  for (const auto& absurd :
       {nlohmann::json(3),
        nlohmann::json{{"length", 1e9}, {"over", "x"}, {"began", 1.5}, {"replicas", 1.5}}}) {
    RebalanceMeter none;
    none.restore(absurd, time_at(t));
    EXPECT_EQ(none.seen().length, Duration::zero());
  }
}

// ---- What it holds up. ----

// A group of classic members: each change stops them for `lasts` seconds, two seconds later.
class RebalanceLimitTest : public testing::Test {
 protected:
  RebalanceLimitTest() {
    ServiceSpec spec;
    spec.name = "consumer";
    spec.limits.min_replicas = 0;
    spec.limits.max_replicas = 20;
    spec.limits.scale_up_by = spec.limits.scale_down_by = 20;
    spec.queue = QueueSpec{};
    autoscaler = std::make_unique<Autoscaler>(spec, std::make_unique<FixedPolicy>(wanted));
  }
  bool rebalances() const { return t >= changed + 2 && t < changed + 2 + lasts; }
  Decision second() {
    t += 1;
    QueueSample q;
    q.num_pending = pending;
    q.totals.settled = 0;
    q.rebalancing = rebalances();
    if (q.rebalancing) q.paused = "the group is rebalancing";
    EXPECT_TRUE(autoscaler->observe({time_at(t), {current, current}, q, std::nullopt}));
    const auto d = autoscaler->evaluate(time_at(t), {current, current});
    if (d.target != current) {
      during += rebalances();
      changed = t;
    }
    current = d.target;
    return d;
  }
  // Seconds until there are as many as wanted.
  int until(int want) {
    wanted = want;
    for (int s = 0; s < 1000; ++s) {
      if (current == want) return s;
      last = second();
    }
    return 1000;
  }
  void calm(int seconds) {
    wanted = current;
    for (int i = 0; i < seconds; ++i) second();
  }

  double t = 1000, changed = 0;
  int current = 1, wanted = 1, during = 0, lasts = 10;
  std::uint64_t pending = 100;
  Decision last;
  std::unique_ptr<Autoscaler> autoscaler;
};

TEST_F(RebalanceLimitTest, NoFurtherChangeBeforeItIsOverAndNoneDownForAWhile) {
  calm(2);
  EXPECT_EQ(until(4), 1);
  calm(15);  // the first is seen
  EXPECT_EQ(autoscaler->latest(time_at(t)).rebalances.length, 10s);
  EXPECT_GE(until(3), 10);  // of 30 s after the change 16 were over
  EXPECT_GE(until(8), 10);  // the change is not seen to be a rebalance yet, but known to bring one
  wanted = 12;
  const auto held = second();
  ASSERT_EQ(held.limits.size(), 1u);
  EXPECT_EQ(held.limits[0].name, "rebalance");
  EXPECT_NE(held.reason.find("consumers stand still for about 10s after each change"), std::string::npos)
      << held.reason;
  EXPECT_LE(until(12), 15);  // as soon as it is over
  EXPECT_EQ(until(0), 1000) << "work is left";
  pending = 0;
  until(0);
  EXPECT_EQ(during, 0);
  pending = 1;
  EXPECT_EQ(until(1), 1) << "from zero nothing holds up the first";
}

// 60 s are believed once, and each is over after a second: an order up waits for that second alone, fewer replicas come
// after minutes in all.
TEST_F(RebalanceLimitTest, AWrongBeliefSlowsAServiceForMinutesAtMost) {
  lasts = 60;
  until(4);
  calm(300);
  lasts = 1;
  int up = 0, down = 0;
  for (int i = 0; i < 6; ++i) {
    up += until(8);
    down += until(4);
  }
  EXPECT_LE(up, 60 + 6 * 4);  // the first has no rebalance after the last change, all others have seen theirs
  EXPECT_LE(down, 3 * (60 + 30 + 15 + 8 + 4 + 2) + 6);
  for (int i = 0; i < 3; ++i) EXPECT_LE(until(i % 2 ? 4 : 8), 10);
  EXPECT_EQ(during, 0);
}

TEST_F(RebalanceLimitTest, WhoNeverStandsStillIsNotHeldUp) {
  lasts = 0;
  calm(2);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(until(i % 2 ? 4 : 8), 1);
}

}  // namespace
}  // namespace docktor
