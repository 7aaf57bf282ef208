#include "policy/beside.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

class Wants final : public Policy {
 public:
  explicit Wants(int n) : n_(n) {}
  Recommendation recommend(const Situation&) override {
    return {.wanted = n_, .reason = "objective", .matched_rules = {}, .numbers = {}};
  }

 private:
  int n_;
};

struct Case {
  RulesMode mode;
  int objective;
  double backlog;
  int expected;
};
void PrintTo(const Case& x, std::ostream* out) {
  *out << (x.mode == RulesMode::kFloor ? "floor" : "veto") << ", objective " << x.objective << ", backlog "
       << x.backlog;
}

class BesideTest : public testing::TestWithParam<Case> {};

TEST_P(BesideTest, KeepsToItsMode) {
  const Case c = GetParam();
  ServiceSpec spec;
  spec.limits.scale_up_by = 2;
  spec.rules_mode = c.mode;
  spec.rules = RulesSpec{{{Metric::kQueueBacklog, Op::kGreater, 500, "queue.backlog", "500"}},
                         {{Metric::kQueueBacklog, Op::kLessEqual, 100, "queue.backlog", "100"}}};
  ObjectiveBesideRules policy(std::make_unique<Wants>(c.objective), spec);
  Observation o;
  o.set(Metric::kQueueBacklog, c.backlog);
  EXPECT_EQ(policy.recommend({Time{}, {5, 5, 0}, o, o}).wanted, c.expected);
}

INSTANTIATE_TEST_SUITE_P(
    FiveReplicas, BesideTest,
    testing::Values(Case{RulesMode::kFloor, 5, 600, 7},  // the rule adds
                    Case{RulesMode::kFloor, 9, 600, 9},  // the objective wants more already
                    Case{RulesMode::kFloor, 3, 600, 7},  // and not fewer while it holds
                    Case{RulesMode::kFloor, 3, 50, 3},   // a floor stops nothing else
                    Case{RulesMode::kFloor, 5, 50, 5},   // and removes nothing
                    Case{RulesMode::kVeto, 3, 300, 5},   // not all of scale_down_when hold
                    Case{RulesMode::kVeto, 3, 600, 5},   // scale_up_when holds
                    Case{RulesMode::kVeto, 3, 50, 3},    // they agree
                    Case{RulesMode::kVeto, 5, 600, 5},   // a veto adds nothing
                    Case{RulesMode::kVeto, 8, 50, 8}));  // nor stops a scale-up

TEST(Beside, AnUpRuleThatCannotBeJudgedForbidsAScaleDownInEitherMode) {
  for (const RulesMode mode : {RulesMode::kFloor, RulesMode::kVeto}) {
    ServiceSpec spec;
    spec.rules_mode = mode;
    spec.rules = RulesSpec{{{Metric::kCpuAvg, Op::kGreater, 80, "cpu.avg", "80"}}, {}};
    ObjectiveBesideRules policy(std::make_unique<Wants>(1), spec);
    Observation o;
    const auto r = policy.recommend({Time{}, {5, 5, 0}, o, o});
    EXPECT_EQ(r.wanted, 5);
    EXPECT_NE(r.reason.find("cpu.avg is unknown"), std::string::npos) << r.reason;
    o.set(Metric::kCpuAvg, 20);
    EXPECT_EQ(policy.recommend({Time{}, {5, 5, 0}, o, o}).wanted, 1);
  }
}

TEST(Beside, AMissingMetricVetoesAScaleDown) {
  ServiceSpec spec;
  spec.rules_mode = RulesMode::kVeto;
  spec.rules = RulesSpec{{}, {{Metric::kCpuAvg, Op::kLess, 20, "cpu.avg", "20"}}};
  ObjectiveBesideRules policy(std::make_unique<Wants>(1), spec);
  const Observation nothing;
  EXPECT_EQ(policy.recommend({Time{}, {5, 5, 0}, nothing, nothing}).wanted, 5);
}

}  // namespace
}  // namespace docktor
