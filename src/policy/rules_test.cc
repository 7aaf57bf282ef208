#include "policy/rules.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

RulesSpec seed_rules() {
  return {{{Metric::kQueueBacklog, Op::kGreater, 500, "queue.backlog", "500"},
           {Metric::kQueueRateIn, Op::kGreater, 200, "queue.rate_in", "200"}},
          {{Metric::kQueueBacklog, Op::kLessEqual, 100, "queue.backlog", "100"},
           {Metric::kQueueRateIn, Op::kLess, 150, "queue.rate_in", "150"}}};
}

Recommendation recommend(std::optional<double> backlog, std::optional<double> rate, int current = 3,
                         bool stale = false, RulesSpec rules = seed_rules()) {
  Observation o;
  if (backlog) o.set(Metric::kQueueBacklog, *backlog);
  if (rate) o.set(Metric::kQueueRateIn, *rate);
  o.queue_stale = stale;
  RulesPolicy policy(std::move(rules), 2, 1);
  return policy.recommend({time_at(1), {current, current}, o, o});
}

TEST(Rules, AnyRuleScalesUpAndTheReasonReadsAsTheSeeds) {
  EXPECT_EQ(recommend(1500, 100).wanted, 5);
  EXPECT_EQ(recommend(1500, 100).reason, "queue.backlog 1500.0 > 500");
  EXPECT_EQ(recommend(1500, 300.54).reason, "queue.backlog 1500.0 > 500 or queue.rate_in 300.5 > 200");
}

TEST(Rules, AllRulesMustHoldToScaleDown) {
  EXPECT_EQ(recommend(100, 149).wanted, 2);
  EXPECT_EQ(recommend(100, 149).reason, "queue.backlog 100.0 <= 100 and queue.rate_in 149.0 < 150");
  EXPECT_EQ(recommend(100, 150).wanted, 3);
}

TEST(Rules, AHoldTellsWhichRulesDidNotHold) {
  EXPECT_EQ(recommend(100, 180).reason,
            "no rule matched: backlog 100 (up above 500), rate_in 180 (up above 200, down below 150)");
  EXPECT_EQ(recommend(100, 199.996).reason,
            "no rule matched: backlog 100 (up above 500), rate_in 199.996 (up above 200, down below 150)");
  EXPECT_EQ(recommend(100, std::nullopt).reason,
            "no rule matched: backlog 100 (up above 500), rate_in unknown (up above 200, down below 150)");
}

// "queue.rate_in 200.0 > 200" would be a reason that is not true.
TEST(Rules, AValueNearItsThresholdIsShownWithTheDigitsThatTell) {
  EXPECT_EQ(recommend(500.04, 0).reason, "queue.backlog 500.04 > 500");
  EXPECT_EQ(recommend(0, 200.001).reason, "queue.rate_in 200.001 > 200");
}

TEST(Rules, UpWinsWhenBothHold) {
  RulesSpec both = seed_rules();
  both.scale_down_when = {{Metric::kQueueRateIn, Op::kLess, 1e6, "queue.rate_in", "1e6"}};
  EXPECT_EQ(recommend(1500, 10, 3, false, both).wanted, 5);
}

TEST(Rules, AMissingValueIsNeverAReason) {
  EXPECT_EQ(recommend(50, std::nullopt).wanted, 3);
  EXPECT_EQ(recommend(std::nullopt, std::nullopt).wanted, 3);
  RulesSpec unequal{{{Metric::kCpuAvg, Op::kNotEqual, 5, "cpu.avg", "5"}}, {}};
  EXPECT_EQ(recommend(50, 1, 3, false, unequal).wanted, 3);
}

TEST(Rules, AStaleValueIsNeverAReason) {
  EXPECT_EQ(recommend(1500, 300, 3, true).wanted, 3);
  EXPECT_EQ(recommend(0, 0, 3, true).wanted, 3);
}

RulesSpec cpu_up_backlog_down() {
  return {{{Metric::kCpuAvg, Op::kGreater, 80, "cpu.avg", "80"}},
          {{Metric::kQueueBacklog, Op::kLessEqual, 10, "queue.backlog", "10"}}};
}

TEST(Rules, AnUpRuleThatCannotBeJudgedForbidsAScaleDown) {
  const auto unknown = recommend(0, 0, 5, false, cpu_up_backlog_down());
  EXPECT_EQ(unknown.wanted, 5);
  EXPECT_EQ(unknown.reason,
            "queue.backlog 0.0 <= 10; but cpu.avg is unknown, and a rule of scale_up_when may hold");

  Observation o;
  o.set(Metric::kQueueBacklog, 0);
  o.set(Metric::kCpuAvg, 20);
  RulesPolicy policy(cpu_up_backlog_down(), 2, 1);
  EXPECT_EQ(policy.recommend({time_at(1), {5, 5}, o, o}).wanted, 4) << "known, and not met";
  o.usage_stale = true;
  const auto stale = policy.recommend({time_at(1), {5, 5}, o, o});
  EXPECT_EQ(stale.wanted, 5);
  EXPECT_NE(stale.reason.find("cpu.avg is stale"), std::string::npos) << stale.reason;
}

TEST(Rules, AnUpRuleThatHoldsNeedsNoOther) {
  auto rules = cpu_up_backlog_down();
  rules.scale_up_when.push_back({Metric::kQueueRateIn, Op::kGreater, 200, "queue.rate_in", "200"});
  EXPECT_EQ(recommend(0, 300, 5, false, rules).wanted, 7);
}

TEST(Rules, AtZeroTheyDoNotStep) { EXPECT_EQ(recommend(1500, 300, 0).wanted, 0); }

TEST(Rules, NoScaleDownRulesMeansNeverDown) {
  RulesSpec up_only = seed_rules();
  up_only.scale_down_when.clear();
  EXPECT_EQ(recommend(0, 0, 3, false, up_only).wanted, 3);
}

}  // namespace
}  // namespace docktor
