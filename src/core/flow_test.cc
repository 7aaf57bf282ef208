// By totals: what a queue counts, and what follows from it. By sequence numbers: meter_test.cc.
#include "core/flow.h"

#include <gtest/gtest.h>

#include <chrono>

#include "core/meter.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;
using Count = std::optional<std::uint64_t>;

QueueSample totalled(std::uint64_t pending, Count in_hand, Totals totals = {}) {
  QueueSample q;
  q.num_pending = pending;
  q.num_ack_pending = in_hand;
  q.totals = std::move(totals);
  return q;
}

// 100 came, 70 were delivered, 60 settled; the backlog grew by 30 and what is in hand by 10.
TEST(FlowByTotals, AnyOneTotalGivesTheOthers) {
  for (const Totals& after : {Totals{.arrived = 100}, Totals{.delivered = 70}, Totals{.settled = 60},
                              Totals{.arrived = 100, .delivered = 70, .settled = 60}}) {
    const Totals before{.arrived = after.arrived ? Count(0) : std::nullopt,
                        .delivered = after.delivered ? Count(0) : std::nullopt,
                        .settled = after.settled ? Count(0) : std::nullopt};
    const auto [reset, flow] = flow_by_totals(totalled(5, 2, before), totalled(35, 12, after), 1s);
    EXPECT_FALSE(reset);
    ASSERT_TRUE(flow);
    EXPECT_EQ(flow->arrivals, 100);
    EXPECT_EQ(flow->deliveries, 70);
    EXPECT_EQ(flow->settled, 60);
  }
}

TEST(FlowByTotals, WithoutWhatIsInHandADeliveryCountsAsSettled) {
  const auto flow =
      flow_by_totals(totalled(5, {}, {.arrived = 0}), totalled(35, {}, {.arrived = 100}), 1s).flow;
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->deliveries, 70);
  EXPECT_EQ(flow->settled, 70);
}

TEST(FlowByTotals, GaugesAloneAreNeitherAFlowNorAReset) {
  const auto [reset, flow] = flow_by_totals(totalled(500, 3), totalled(0, 0), 1s);
  EXPECT_FALSE(reset) << "a queue that is worked off is not purged";
  EXPECT_FALSE(flow);
}

TEST(FlowByTotals, ACounterThatGoesBackOrBeganAnewIsAReset) {
  EXPECT_TRUE(flow_by_totals(totalled(1, 1, {.arrived = 9}), totalled(1, 1, {.arrived = 8}), 1s).reset);
  EXPECT_TRUE(flow_by_totals(totalled(1, 1, {.settled = 9}), totalled(1, 1, {.settled = 8}), 1s).reset);
  EXPECT_TRUE(flow_by_totals(totalled(1, 1, {.incarnation = "a", .arrived = 9}),
                             totalled(1, 1, {.incarnation = "b", .arrived = 10}), 1s)
                  .reset);
}

TEST(FlowBetween, AnotherWayOfCountingIsAReset) {
  auto log = totalled(1, 1);
  log.delivered_consumer_seq = 7;
  EXPECT_TRUE(flow_between(log, totalled(1, 1, {.arrived = 9}), 1s).reset);
}

// Five seconds' arrivals in one sample of five would be a burst that is not there.
TEST(Meter, ForCountersThatMoveInStepsMakesAFlowOfWholeSteps) {
  Meter meter(10s, 5s);
  const auto at = [](int second) { return Time(std::chrono::seconds(1'000 + second)); };
  std::optional<Observation> seen;
  for (int second = 0; second <= 10; ++second) {
    auto q = totalled(0, 0, {.arrived = static_cast<std::uint64_t>(second / 5 * 500)});
    q.step = 5s;
    seen = meter.observe({at(second), {1, 1}, q, std::nullopt});
    ASSERT_TRUE(seen);
    EXPECT_FALSE(seen->reset);
    EXPECT_EQ(seen->flow.has_value(), second > 0 && second % 5 == 0) << second;
    if (second >= 5) {
      EXPECT_EQ(seen->get(Metric::kQueueRateIn), 100) << second;
    }
  }
  EXPECT_FALSE(meter.latest(at(19)).queue_stale) << "figures of 5 s steps are not stale after 5 s";
  EXPECT_TRUE(meter.latest(at(21)).queue_stale);
}

}  // namespace
}  // namespace docktor
