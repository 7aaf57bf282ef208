// What advice may do to a decision, and what it may not, whatever it says.
#include "core/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/advice_budget.h"
#include "core/autoscaler.h"
#include "core/test_policy.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;
using test::FixedPolicy;

class AdviceTest : public testing::Test {
 protected:
  static ServiceSpec spec() {
    ServiceSpec s;
    s.name = "a";
    s.limits.min_replicas = 1;
    s.limits.max_replicas = 10;
    s.limits.scale_up_by = 2;
    s.limits.scale_down_by = 3;
    s.check_interval = 10s;
    return s;
  }
  Decision decide(int current, int wants) {
    now += 10s;
    wanted = wants;
    return scaler.evaluate(now, {current, current, 0});
  }
  static Advice delay(Duration d) { return {.kind = AdviceKind::kDelay, .delay = d, .reason = "bursts"}; }
  static Advice add(int n) { return {.kind = AdviceKind::kAdd, .replicas = n, .reason = "more"}; }

  int wanted = 1;
  Time now = time_at(1000);
  Autoscaler scaler{spec(), std::make_unique<FixedPolicy>(wanted)};
};

TEST_F(AdviceTest, PutsAScaleDownOffForThatLongAndNoLonger) {
  auto d = scaler.advise(decide(5, 4), delay(25s));
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_EQ(d.target, 5);
  EXPECT_EQ(d.verdict, Verdict::kFollowed);
  EXPECT_EQ(d.reason, "as the test says; put off for 25s on the model's advice: \"bursts\"");
  ASSERT_EQ(d.limits.size(), 1U);
  EXPECT_EQ(d.limits[0].name, "advice");
  EXPECT_EQ(decide(5, 4).action, Action::kHold);       // 10 s later
  EXPECT_EQ(decide(5, 4).limits[0].name, "advice");    // 20 s
  EXPECT_EQ(decide(5, 4).action, Action::kScaleDown);  // 30 s
}

TEST_F(AdviceTest, AScaleUpIsNeverPutOffAndEndsADelay) {
  scaler.advise(decide(5, 4), delay(60s));
  EXPECT_EQ(decide(5, 7).action, Action::kScaleUp);
  EXPECT_EQ(decide(7, 6).action, Action::kScaleDown);
  auto up = decide(5, 6);
  up = scaler.advise(up, delay(60s));
  EXPECT_EQ(up.action, Action::kScaleUp);
  EXPECT_EQ(up.verdict, Verdict::kIgnored);
}

TEST_F(AdviceTest, CancelDropsOneDecisionOnly) {
  const auto d = scaler.advise(decide(5, 4), {.kind = AdviceKind::kCancel, .reason = "no"});
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_EQ(decide(5, 4).action, Action::kScaleDown);
}

TEST_F(AdviceTest, AddsWithinStepAndBoundsAndNeverTakesAway) {
  auto d = scaler.advise(decide(5, 5), add(6));
  EXPECT_EQ(d.target, 6);
  EXPECT_EQ(d.action, Action::kScaleUp);
  EXPECT_EQ(d.verdict, Verdict::kFollowed);
  d = scaler.advise(decide(5, 5), add(900));
  EXPECT_EQ(d.target, 7);
  EXPECT_EQ(d.verdict, Verdict::kClamped);
  d = scaler.advise(decide(5, 7), add(2));
  EXPECT_EQ(d.target, 7);
  EXPECT_EQ(d.verdict, Verdict::kClamped);
  d = scaler.advise(decide(10, 10), add(11));
  EXPECT_EQ(d.target, 10);
  d = scaler.advise(decide(5, 3), add(9));
  EXPECT_EQ(d.target, 3);
  EXPECT_EQ(d.verdict, Verdict::kIgnored);
}

TEST_F(AdviceTest, AServiceBeyondItsBoundsIsMendedWhateverTheModelSays) {
  auto d = decide(14, 14);
  EXPECT_FALSE(scaler.open_to_advice(d, {}));
  d = scaler.advise(d, {.kind = AdviceKind::kCancel, .reason = "no"});
  EXPECT_EQ(d.target, 10);
  EXPECT_EQ(d.verdict, Verdict::kIgnored);
  // A delay that was given before does not stop it either.
  scaler.advise(decide(5, 4), delay(60s));
  EXPECT_LE(decide(14, 4).target, 10);
}

TEST_F(AdviceTest, AWithdrawnScaleDownIsNotMade) {
  const auto d = scaler.advise(decide(5, 4), {.kind = AdviceKind::kWithdraw, .reason = "changed"});
  EXPECT_EQ(d.action, Action::kHold);
  EXPECT_EQ(d.verdict, Verdict::kIgnored);
}

TEST_F(AdviceTest, AModelThatAlwaysCancelsRunsOutOfItsBudget) {
  int current = 10;
  double with = 0, without = 0;
  int alone = 10, went = 0;
  for (int i = 0; i < 360; ++i) {
    with += 10 * current;
    without += 10 * alone;
    auto d = decide(current, 1);
    if (d.action == Action::kScaleDown) d = scaler.advise(d, {.kind = AdviceKind::kCancel, .reason = "no"});
    went += d.action == Action::kScaleDown;
    current = d.target;
    alone = std::max(1, alone - 3);
  }
  EXPECT_EQ(current, 1);
  EXPECT_GE(went, 3);
  EXPECT_LT(with, 1.25 * without + 10 * 15 + 10 * 10);
}

TEST_F(AdviceTest, TheSameCallsGiveTheSameDecisionsAfterARestore) {
  scaler.advise(decide(5, 4), delay(25s));
  int same = 4;
  Autoscaler again(spec(), std::make_unique<FixedPolicy>(same));
  again.restore(scaler.save(), now);
  now += 10s;
  wanted = 4;
  const auto a = scaler.evaluate(now, {5, 5, 0});
  const auto b = again.evaluate(now, {5, 5, 0});
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(b.action, Action::kHold);
}

TEST(Advice, SurvivesTheJournal) {
  for (const Advice& a : {Advice{.kind = AdviceKind::kDelay, .delay = 90s, .reason = "r", .shortened = true},
                          Advice{.kind = AdviceKind::kAdd, .replicas = 9, .reason = "\"q\""},
                          Advice{.kind = AdviceKind::kWithdraw, .reason = "w"}, Advice{}}) {
    const auto back = advice_from_json(nlohmann::ordered_json::parse(to_json(a).dump()));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, a);
  }
  for (const char* text : {"null", "{}", R"({"action":"x"})", R"({"action":"delay","delay":1e300})"})
    EXPECT_FALSE(advice_from_json(nlohmann::ordered_json::parse(text))) << text;
  EXPECT_EQ(shortened_to({.kind = AdviceKind::kDelay, .delay = 90s}, 60s).delay, 60s);
}

}  // namespace
}  // namespace docktor
