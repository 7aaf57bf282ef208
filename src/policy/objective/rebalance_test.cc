// A queue whose consumers all stand still when a replica is added: what an order is for, and what is not learned from it.
#include <gtest/gtest.h>

#include "core/meter.h"
#include "policy/objective/objective.h"
#include "policy/objective/plan.h"

namespace docktor {
namespace {

objective::Outlook outlook(double waiting, double stop) {
  objective::Outlook o;
  o.capacity = 10;
  o.ready = 4;
  o.start_up = {1, 1, 1};
  o.patience = 10;
  o.waiting = {{.count = waiting, .oldest = 0, .newest = 0}};
  o.stop = stop;
  return o;
}

TEST(ObjectiveRebalance, AnOrderCountsWhatIsNotDoneWhileAllStandStill) {
  const double plain = objective::replicas_short(outlook(600, 0));
  EXPECT_NEAR(plain, (60 - 4 * 10) / 9.0, 1e-9);
  EXPECT_NEAR(objective::replicas_short(outlook(600, 5)), (60 - 4 * 5) / 9.0, 1e-9);
  EXPECT_NEAR(objective::replicas_short(outlook(600, 1000)), 60 / 9.0, 1e-9)
      << "never more than all of the work";
  EXPECT_EQ(objective::replicas_short(outlook(350, 1000)), 0) << "a stop is no reason for an order";
}

TEST(ObjectiveRebalance, WhoStandsStillIsNotTakenToBeSlow) {
  ServiceSpec spec;
  spec.limits.max_replicas = 10;
  spec.queue = QueueSpec{};
  spec.objective = ObjectiveSpec{};
  ObjectivePolicy policy(spec);
  Meter meter(spec.metrics_window, spec.stale_after());
  Time now{};
  std::uint64_t done = 0;
  for (int t = 0; t < 90; ++t) {
    now = time_at(1000 + t);
    Input in;
    in.at = now;
    in.replicas = {.current = 1, .ready = 1};
    auto& q = in.queue.emplace();
    q.rebalancing = t % 15 >= 8;  // half of the time
    const bool stood = (t + 14) % 15 >= 8;
    if (t > 0 && !q.rebalancing && !stood) done += 50;
    q.num_pending = static_cast<std::uint64_t>(100 * t) - done + 10;
    q.num_ack_pending = 1;
    q.totals.incarnation = "1";
    q.totals.arrived = static_cast<std::uint64_t>(100 * t);
    q.totals.delivered = done;
    policy.observe(*meter.observe(in));
  }
  const auto r = policy.recommend({now, {.current = 1, .ready = 1}, meter.latest(now), meter.mean(now)});
  EXPECT_NE(r.reason.find(" 50 msg/s per replica"), std::string::npos) << r.reason;
}

}  // namespace
}  // namespace docktor
