// A queue whose counters move every few seconds only, as RabbitMQ's do: what is learned is the same.
#include <gtest/gtest.h>

#include "core/meter.h"
#include "policy/objective/objective.h"

namespace docktor {
namespace {

struct Learned {
  std::string reason;
  int wanted = 0;
};

// One worker of 50/s, 100/s arriving, a sample a second; the counters move each `step` seconds.
Learned after_a_minute(int step) {
  ServiceSpec spec;
  spec.limits.max_replicas = 10;
  spec.queue = QueueSpec{};
  spec.objective = ObjectiveSpec{};
  ObjectivePolicy policy(spec);
  Meter meter(spec.metrics_window, spec.stale_after());
  Time now{};
  for (int t = 0; t < 60; ++t) {
    now = time_at(1000 + 1.001 * t);  // a sample is never quite on time
    Input in;
    in.at = now;
    in.replicas = {.current = 1, .ready = 1};
    auto& q = in.queue.emplace();
    q.num_pending = static_cast<std::uint64_t>(50 * t);
    q.num_ack_pending = 1;
    const int told = t - t % step;
    q.totals.incarnation = "1";
    q.totals.arrived = static_cast<std::uint64_t>(100 * told);
    q.totals.delivered = static_cast<std::uint64_t>(50 * told);
    if (step > 1 && t > 0) q.step = std::chrono::seconds(told == t ? step - 2 : step + 3);
    policy.observe(*meter.observe(in));
  }
  const auto r = policy.recommend({now, {.current = 1, .ready = 1}, meter.latest(now), meter.mean(now)});
  return {r.reason, r.wanted};
}

TEST(ObjectiveSteps, CapacityIsLearnedFromFlowsOfSeveralSamples) {
  const auto each = after_a_minute(1), stepped = after_a_minute(5);
  EXPECT_NE(each.reason.find(" 50 msg/s per replica"), std::string::npos) << each.reason;
  EXPECT_NE(stepped.reason.find(" 50 msg/s per replica"), std::string::npos) << stepped.reason;
  EXPECT_GE(stepped.wanted, 2);
}

}  // namespace
}  // namespace docktor
