// Limits and freshness, by way of the whole autoscaler with the seeds' rules.
#include "core/autoscaler.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/test_policy.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;
using test::FixedPolicy;

class AutoscalerTest : public testing::Test {
 protected:
  AutoscalerTest() {
    spec.name = "consumer";
    spec.limits.min_replicas = 1;
    spec.limits.max_replicas = 10;
    spec.limits.scale_up_by = 100;
    spec.limits.scale_down_by = 100;
    spec.queue = QueueSpec{};
  }

  void build() { autoscaler = std::make_unique<Autoscaler>(spec, std::make_unique<FixedPolicy>(wanted)); }

  Input sample(double t, std::uint64_t pending, std::uint64_t in_hand = 0,
               std::uint64_t delivered = 0) const {
    QueueSample q;
    q.num_pending = pending;
    q.num_ack_pending = in_hand;
    q.delivered_consumer_seq = delivered;
    q.delivered_stream_seq = delivered;
    return {time_at(t), {current, current}, q, std::nullopt};
  }

  Decision decide(double t) {
    return autoscaler->evaluate(time_at(t), {current, current, failing}, overrides);
  }

  // A fresh sample and a decision upon it, which is carried out.
  Decision step(double t, int want, std::uint64_t pending = 100) {
    wanted = want;
    EXPECT_TRUE(autoscaler->observe(sample(t, pending)));
    const Decision d = decide(t);
    current = d.target;
    return d;
  }

  static std::string limit_names(const Decision& d) {
    std::string s;
    for (const auto& l : d.limits) s += l.name + " ";
    return s;
  }

  ServiceSpec spec;
  int wanted = 1;
  int current = 1;
  int failing = 0;
  Overrides overrides;
  std::unique_ptr<Autoscaler> autoscaler;
};

TEST_F(AutoscalerTest, FollowsThePolicyWithinBounds) {
  build();
  EXPECT_EQ(step(1, 5).target, 5);
  const Decision d = step(2, 50);
  EXPECT_EQ(d.target, 10);
  EXPECT_EQ(limit_names(d), "max_replicas ");
  EXPECT_EQ(step(3, -7).target, 1);
}

TEST_F(AutoscalerTest, AHoldAtTheBoundSaysSo) {
  build();
  current = 10;
  const Decision d = step(1, 12);
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_EQ(d.reason, "as the test says; already at max_replicas 10");
}

// At a bound there is nothing to wait for, whatever else would hold the step up.
TEST_F(AutoscalerTest, AtABoundNothingIsSaidToBeWaitedFor) {
  spec.limits.stabilization = 60s;
  spec.limits.cooldown_up = spec.limits.cooldown_down = 60s;
  build();
  step(1, 3, 0);
  const Decision waits = step(2, 1, 0);
  EXPECT_EQ(current, 3);
  EXPECT_NE(waits.reason.find("stabilization: "), std::string::npos) << waits.reason;
  current = 1;  // somebody else's doing: cooldowns begin
  EXPECT_EQ(step(3, 0, 0).reason, "as the test says; already at min_replicas 1");
  current = 10;
  EXPECT_EQ(step(4, 12, 0).reason, "as the test says; already at max_replicas 10");
}

TEST_F(AutoscalerTest, AtTheMinimumNobodyWaitsForAQueueThatDoesNotTellWhatIsInHand) {
  build();
  auto in = sample(1, 0);
  in.queue->num_ack_pending.reset();
  in.queue->redelivered_after = 30s;
  ASSERT_TRUE(autoscaler->observe(in));
  wanted = 0;
  EXPECT_EQ(decide(1).reason, "as the test says; already at min_replicas 1");
}

TEST_F(AutoscalerTest, HoldsWhenTheSampleIsStale) {
  build();
  ASSERT_TRUE(autoscaler->observe(sample(1, 100)));
  wanted = 8;
  EXPECT_EQ(decide(5.9).target, 8);
  const Decision d = decide(7.0);
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_NE(d.reason.find("is 6s old (stale after 5s)"), std::string::npos) << d.reason;
}

TEST_F(AutoscalerTest, TheSameSampleTwiceIsNoNews) {
  build();
  EXPECT_EQ(step(1, 3).target, 3);
  wanted = 5;
  const Decision d = decide(2);
  EXPECT_EQ(d.target, 3);
  EXPECT_EQ(d.reason, "no new sample of the queue since the last decision");
}

TEST_F(AutoscalerTest, HoldsBeforeTheFirstSample) {
  build();
  wanted = 8;
  const Decision d = decide(1);
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_EQ(d.reason, "no sample of the queue yet");
}

TEST_F(AutoscalerTest, RaisesToMinWithoutData) {
  spec.limits.min_replicas = 3;
  build();
  current = 0;
  const Decision d = decide(1);
  EXPECT_EQ(d.action, Action::kScaleUp);
  EXPECT_EQ(d.target, 3);
}

TEST_F(AutoscalerTest, LowersToMaxAtOnceOnFreshDataAndOneAtATimeOnStale) {
  build();
  current = 14;
  wanted = 14;
  EXPECT_EQ(decide(1).target, 13);
  ASSERT_TRUE(autoscaler->observe(sample(2, 5)));
  EXPECT_EQ(decide(2).target, 10);
}

TEST_F(AutoscalerTest, HoldsOnceAfterAReset) {
  build();
  wanted = 1;
  current = 4;
  ASSERT_TRUE(autoscaler->observe(sample(1, 900, 0, 500)));
  ASSERT_TRUE(autoscaler->observe(sample(2, 0, 0, 3)));  // re-created: delivered went back
  const Decision d = decide(2);
  EXPECT_EQ(d.target, 4);
  EXPECT_EQ(limit_names(d), "reset ");
  ASSERT_TRUE(autoscaler->observe(sample(3, 0, 0, 4)));
  EXPECT_EQ(decide(3).target, 1);
}

TEST_F(AutoscalerTest, StepsBoundAJump) {
  spec.limits.scale_up_by = 2;
  spec.limits.scale_down_by = 1;
  build();
  EXPECT_EQ(step(1, 9).target, 3);
  EXPECT_EQ(step(2, 9).target, 5);
  EXPECT_EQ(step(3, 1).target, 4);
}

TEST_F(AutoscalerTest, CooldownRunsFromTheOrderAndHoldsBothWays) {
  spec.limits.cooldown_up = 10s;
  spec.limits.cooldown_down = 20s;
  spec.sample_interval = 10s;
  build();
  EXPECT_EQ(step(100, 3).target, 3);
  EXPECT_EQ(step(101, 5).target, 3);
  EXPECT_EQ(step(109.9, 5).target, 3);
  EXPECT_EQ(step(110, 5).target, 5);
  EXPECT_EQ(step(129, 1).target, 5);
  EXPECT_EQ(step(130, 1).target, 1);
}

TEST_F(AutoscalerTest, AnOrderThatChangedNothingStartsNoCooldown) {
  spec.limits.cooldown_up = 60s;
  build();
  EXPECT_EQ(step(1, 3).target, 3);
  current = 1;  // the target refused
  EXPECT_EQ(step(2, 3).target, 3);
}

TEST_F(AutoscalerTest, StabilizationKeepsTheHighestRecommendationOfTheWindow) {
  spec.limits.stabilization = 30s;
  spec.sample_interval = 10s;
  build();
  EXPECT_EQ(step(1, 6).target, 6);
  EXPECT_EQ(step(2, 2).target, 6);
  EXPECT_EQ(step(20, 4).target, 6);
  EXPECT_EQ(step(31.5, 2).target, 4);
  EXPECT_EQ(step(51, 2).target, 2);
}

TEST_F(AutoscalerTest, WakesFromZeroWithPendingMessagesWhateverThePolicyWants) {
  spec.limits.min_replicas = 0;
  build();
  current = 0;
  const Decision d = step(1, 0, 1);
  EXPECT_EQ(d.target, 1);
  EXPECT_TRUE(d.wake);
  EXPECT_EQ(d.reason, "at zero replicas with 1 message waiting");
}

TEST_F(AutoscalerTest, NeverGoesToZeroWithWorkLeft) {
  spec.limits.min_replicas = 0;
  build();
  ASSERT_TRUE(autoscaler->observe(sample(1, 0, 3)));
  wanted = 0;
  EXPECT_EQ(decide(1).target, 1);
  ASSERT_TRUE(autoscaler->observe(sample(2, 0, 0)));
  EXPECT_EQ(decide(2).target, 0);
}

TEST_F(AutoscalerTest, MessagesInHandOfADeadWorkerStartOneAfterTheAckWait) {
  spec.limits.min_replicas = 0;
  build();
  current = 0;
  wanted = 0;
  for (double t = 1; t <= 31; t += 1) {
    ASSERT_TRUE(autoscaler->observe(sample(t, 0, 2)));
    EXPECT_EQ(decide(t).target, t < 31 ? 0 : 1) << t;
  }
}

TEST_F(AutoscalerTest, KeepsOneReplicaOfAQueueThatIsUnfitForZero) {
  spec.limits.min_replicas = 0;
  build();
  overrides.unfit_for_zero = "the consumer is ephemeral";
  EXPECT_EQ(step(1, 0, 0).target, 1);
}

TEST_F(AutoscalerTest, GivesNothingBackOnASampleAfterWhichTheQueueWasSilent) {
  build();
  current = 4;
  overrides.queue_silent = "the queue has not answered since 03:25:32";
  const Decision held = step(1, 2);
  EXPECT_EQ(held.target, 4);
  EXPECT_NE(limit_names(held).find("freshness"), std::string::npos);
  EXPECT_GT(step(60, 5).target, 4) << "what it showed is still a reason for more";
  overrides.queue_silent.clear();
  const int before = current;
  EXPECT_LT(step(120, 2).target, before);
}

TEST_F(AutoscalerTest, AQueueThatIsUnfitForZeroNeedsItsReplicaWithoutDataToo) {
  spec.limits.min_replicas = 0;
  build();
  current = wanted = 0;
  overrides.unfit_for_zero = "no group yet";
  const Decision d = decide(1);
  EXPECT_EQ(d.target, 1);
  EXPECT_EQ(d.reason, "no group yet");
  overrides.unfit_for_zero.clear();
  EXPECT_EQ(decide(2).target, 0);
}

TEST_F(AutoscalerTest, LeavesAServiceAloneThatAPersonStopped) {
  build();
  current = 0;
  overrides.stopped_by_hand = "stopped by hand at 14:30";
  const Decision d = step(1, 5);
  EXPECT_EQ(d.target, 0);
  EXPECT_EQ(d.reason, "stopped by hand at 14:30");
}

TEST_F(AutoscalerTest, AddsNoReplicasWhileSomeExitAtOnce) {
  build();
  current = 3;
  failing = 2;
  const Decision d = step(1, 5);
  EXPECT_EQ(d.target, 3);
  EXPECT_EQ(limit_names(d), "failing ");
  failing = 0;
  EXPECT_EQ(step(2, 5).target, 5);
}

TEST_F(AutoscalerTest, IgnoresASampleThatIsNotLater) {
  build();
  EXPECT_TRUE(autoscaler->observe(sample(5, 1)));
  EXPECT_FALSE(autoscaler->observe(sample(5, 2)));
  EXPECT_FALSE(autoscaler->observe(sample(4, 2)));
}

TEST_F(AutoscalerTest, SavedAndRestoredItDecidesAsUninterrupted) {
  spec.limits.cooldown_up = 30s;
  spec.limits.stabilization = 30s;
  build();
  step(100, 3);
  step(101, 4);
  const auto state = autoscaler->save();
  build();
  autoscaler->restore(nlohmann::json::parse(state.dump()), time_at(102));
  EXPECT_EQ(step(110, 9).target, 3) << "the cooldown goes on";
  EXPECT_EQ(step(111, 1).target, 3) << "and so does the stabilization";
  EXPECT_EQ(step(130, 9).target, 9);
}

TEST_F(AutoscalerTest, RubbishStateIsNoState) {
  build();
  for (const char* text : {"null", "[]", "{\"limits\":7,\"policy\":[]}",
                           "{\"limits\":{\"last_change\":\"x\",\"recommended\":[[1],[\"a\",2]]}}",
                           "{\"limits\":{\"last_change\":1e300,\"ordered\":[-1,1.5]}}"}) {
    autoscaler->restore(nlohmann::json::parse(text), time_at(1));
  }
  EXPECT_EQ(step(2, 4).target, 4);
}

// Samples each second, an outage, samples again: what came over the outage is no rate, and the first whole
// window after it removes nobody.
TEST_F(AutoscalerTest, NoScaleDownInTheFirstWindowAfterAGapAndNoRateOverIt) {
  spec.metrics_window = 10s;
  build();
  current = 4;
  double t = 0;
  for (; t < 20; ++t) ASSERT_TRUE(autoscaler->observe(sample(t, 5, 0, static_cast<std::uint64_t>(120 * t))));
  wanted = 2;
  t += 30;
  ASSERT_TRUE(autoscaler->observe(sample(t, 5, 0, 120 * 20)));  // nobody could publish
  Decision d = decide(t);
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_NE(d.reason.find("not seen for a while"), std::string::npos) << d.reason;
  EXPECT_FALSE(d.observation.get(Metric::kQueueRateIn)) << "no rate over the gap";
  for (int i = 1; i <= 9; ++i) {
    ASSERT_TRUE(autoscaler->observe(sample(t + i, 5, 0, static_cast<std::uint64_t>(120 * (20 + i)))));
    d = decide(t + i);
    EXPECT_EQ(d.action, Action::kHold) << i;
    EXPECT_NEAR(d.observation.get(Metric::kQueueRateIn).value_or(0), 120, 1) << i;
  }
  ASSERT_TRUE(autoscaler->observe(sample(t + 10, 5, 0, 120 * 30)));
  EXPECT_EQ(decide(t + 10).target, 2) << "the window is whole";
}

TEST_F(AutoscalerTest, AGapForbidsNoScaleUpAndARestartIsOne) {
  build();
  for (int t = 0; t < 5; ++t) ASSERT_TRUE(autoscaler->observe(sample(t, 5)));
  const auto state = autoscaler->save();
  build();
  autoscaler->restore(state, time_at(60));
  ASSERT_TRUE(autoscaler->observe(sample(60, 900)));
  current = 2;
  wanted = 1;
  EXPECT_EQ(decide(60).target, 2);
  wanted = 5;
  ASSERT_TRUE(autoscaler->observe(sample(61, 900)));
  EXPECT_EQ(decide(61).target, 5);
}

// Samples that come each 30 s are no gaps, though they are older than others go stale.
TEST_F(AutoscalerTest, SamplesThatAlwaysComeRarelyAreNoGaps) {
  build();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(autoscaler->observe(sample(30.0 * i, 5, 0, 3000 * i)));
  wanted = 1;
  current = 3;
  const Decision d = decide(120);
  EXPECT_EQ(d.target, 1);
  EXPECT_NEAR(d.observation.get(Metric::kQueueRateIn).value_or(0), 100, 1);
}

TEST_F(AutoscalerTest, RulesStepNoFurtherWhileTheLastStepsReplicasAreStarting) {
  spec.rules = RulesSpec{};
  spec.limits.scale_up_by = 2;
  build();
  EXPECT_EQ(step(1, 9).target, 3);
  const auto again = [&](double t, int ready) {
    EXPECT_TRUE(autoscaler->observe(sample(t, 900)));
    wanted = 9;
    return autoscaler->evaluate(time_at(t), {current, ready, failing}, overrides);
  };
  const Decision held = again(4, 1);
  EXPECT_EQ(held.target, 3);
  EXPECT_NE(held.reason.find("2 of 3 replicas are starting"), std::string::npos) << held.reason;
  EXPECT_EQ(again(7, 2).target, 3);
  EXPECT_EQ(again(10, 3).target, 5) << "all are up";
}

TEST_F(AutoscalerTest, WhatTakesMinutesToStartIsNotWaitedForWithoutEnd) {
  spec.rules = RulesSpec{};
  spec.limits.scale_up_by = 2;
  build();
  EXPECT_EQ(step(1, 9).target, 3);
  for (double t = 2; t < 300; t += 10) {
    ASSERT_TRUE(autoscaler->observe(sample(t, 900)));
    EXPECT_EQ(autoscaler->evaluate(time_at(t), {3, 1, 0}, overrides).target, 3) << t;
  }
  ASSERT_TRUE(autoscaler->observe(sample(302, 900)));
  EXPECT_EQ(autoscaler->evaluate(time_at(302), {3, 1, 0}, overrides).target, 5);
}

// A policy that learns how much it has seen.
class CountingPolicy final : public Policy {
 public:
  void observe(const Observation&) override { ++seen; }
  Recommendation recommend(const Situation& s) override {
    Recommendation r;
    r.wanted = s.replicas.current;
    r.reason = std::to_string(seen);
    return r;
  }
  void save(nlohmann::json& state) const override { state["seen"] = seen; }
  void restore(const nlohmann::json& state) override { seen = state.value("seen", 0); }
  int seen = 0;
};

// What waited there an hour ago says nothing of how old messages are here.
TEST_F(AutoscalerTest, WhatWasLearnedOfOneQueueIsForgottenForAnother) {
  spec.queue->identity = "rabbitmq / orders";
  const auto of = [&] { return std::make_unique<Autoscaler>(spec, std::make_unique<CountingPolicy>()); };
  autoscaler = of();
  for (int i = 0; i < 3; ++i) autoscaler->observe(sample(100 + i, 5));
  const auto state = autoscaler->save();
  const auto seen_after = [&](const std::string& queue) {
    spec.queue->identity = queue;
    autoscaler = of();
    autoscaler->restore(state, time_at(103));
    autoscaler->observe(sample(104, 5));
    return decide(104).recommendation.reason;
  };
  EXPECT_EQ(seen_after("rabbitmq / orders"), "4");
  EXPECT_EQ(seen_after("rabbitmq / mail"), "1");
}

}  // namespace
}  // namespace docktor
