#include "targets/dry_run.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

struct Inner final : Target {
  void scale(const ScaleOrder&, std::function<void(Result<std::string>)>) override { ++orders; }
  TargetReport report() override {
    TargetReport r;
    r.replicas = {{.id = "a-1", .state = ReplicaState::kReady},
                  {.id = "a-2", .state = ReplicaState::kStopping}};
    r.stopped_by_hand = by_hand;
    return r;
  }
  void resume() override { ++orders; }
  std::vector<Finding> check() override { return {{Severity::kOk, "looked at", ""}}; }
  int orders = 0;
  std::string by_hand;
};

TEST(DryRunTarget, ReportsTheRealReplicasAndPassesNoOrderOn) {
  auto inner = std::make_unique<Inner>();
  Inner& real = *inner;
  real.by_hand = "stopped by hand at 14:30";
  DryRunTarget target(std::move(inner));
  std::string said;
  const auto done = [&](Result<std::string> r) { said = r.value(); };
  target.scale({3, {}}, done);
  EXPECT_EQ(said, "would start 2 (1 → 3)");
  target.scale({0, {}}, done);
  EXPECT_EQ(said, "would stop 1 (1 → 0)");
  target.scale({1, {}}, done);
  EXPECT_EQ(said, "would leave 1 replicas");
  target.resume();
  EXPECT_EQ(real.orders, 0);
  const auto report = target.report();
  EXPECT_EQ(report.replicas.size(), 2u);
  EXPECT_EQ(report.stopped_by_hand, "stopped by hand at 14:30");
  EXPECT_EQ(target.check().size(), 1u);
}

}  // namespace
}  // namespace docktor
