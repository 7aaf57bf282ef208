#include "core/meter.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/flow.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kSecond = seconds(1);

QueueSample log_sample(std::uint64_t p, std::uint64_t a, std::uint64_t c, std::uint64_t s) {
  QueueSample q;
  q.num_pending = p;
  q.num_ack_pending = a;
  q.delivered_consumer_seq = c;
  q.delivered_stream_seq = s;
  q.num_redelivered = 0;
  q.created = "2026-01-01T00:00:00Z";
  return q;
}

/// With the stream's state: first, last sequence and how many messages, how many of them match the filter.
QueueSample with_stream(QueueSample q, std::uint64_t first, std::uint64_t last, std::uint64_t messages,
                        std::optional<std::uint64_t> matching = std::nullopt) {
  q.first_seq = first;
  q.last_seq = last;
  q.stream_messages = messages;
  q.subject_messages = matching;
  return q;
}

QueueSample filtered(QueueSample q, Retention r = Retention::kLimits) {
  q.filtered = true;
  q.retention = r;
  return q;
}

Flow flow(const QueueSample& before, const QueueSample& after) {
  const auto f = flow_by_sequences(before, after, kSecond);
  EXPECT_TRUE(f.has_value());
  return f.value_or(Flow{});
}

TEST(FlowBetween, UnfilteredCountsByPendingAndDelivered) {
  // 50 came, 30 were delivered, 20 of them settled.
  const Flow f = flow(log_sample(100, 5, 200, 200), log_sample(120, 15, 230, 230));
  EXPECT_EQ(f.arrivals, 50);
  EXPECT_EQ(f.deliveries, 30);
  EXPECT_EQ(f.settled, 20);
  EXPECT_FALSE(f.upper_bound);
}

TEST(FlowBetween, NaksInALoopMoveNothing) {
  const Flow f = flow(log_sample(100, 5, 200, 200), log_sample(100, 5, 5'200, 200));
  EXPECT_EQ(f.arrivals, 0);
  EXPECT_EQ(f.deliveries, 0);
  EXPECT_EQ(f.settled, 0);
}

TEST(FlowBetween, GapsInTheStreamAreNotDeliveries) {
  // Sequences 201..300 of the work queue were settled by others or deleted; ours got 10 of what is left.
  const Flow f = flow(log_sample(110, 0, 200, 200), log_sample(100, 10, 210, 310));
  EXPECT_EQ(f.deliveries, 10);
}

TEST(FlowBetween, AStreamThatDiscardsCountsByItsLastSequence) {
  auto before = with_stream(log_sample(40, 0, 10, 10), 1, 50, 50);
  auto after = with_stream(log_sample(46, 4, 14, 74), 51, 120,
                           50);  // 70 came, 50 of them or their elders were discarded
  before.can_discard = after.can_discard = true;
  const Flow f = flow(before, after);
  EXPECT_EQ(f.arrivals, 70);
  EXPECT_EQ(f.deliveries, 4);
  EXPECT_EQ(f.settled, 0);
}

TEST(FlowBetween, FilteredCountsTheSubjectsMessages) {
  // 40 of the 60 new messages match; 30 first deliveries and 20 redeliveries.
  auto before = filtered(with_stream(log_sample(10, 0, 100, 150), 1, 200, 200, 110));
  auto after = filtered(with_stream(log_sample(20, 30, 150, 230), 1, 260, 260, 150));
  after.num_redelivered = 7;
  const Flow f = flow(before, after);
  EXPECT_EQ(f.arrivals, 40);
  EXPECT_EQ(f.deliveries, 30);
  EXPECT_EQ(f.settled, 0);
  EXPECT_FALSE(f.upper_bound);  // exact also while messages are redelivered
}

TEST(FlowBetween, WhatExpiredAfterItsDeliveryIsAddedBack) {
  auto before = filtered(with_stream(log_sample(10, 0, 100, 200), 1, 210, 210, 110));
  // 40 came, of which 20 match; 50 old ones expired, of which 25 matched; 15 were delivered.
  auto after = filtered(with_stream(log_sample(15, 0, 115, 235), 51, 250, 200, 105));
  before.can_discard = after.can_discard = true;
  const Flow f = flow(before, after);
  EXPECT_EQ(f.arrivals, 20);
  EXPECT_EQ(f.deliveries, 15);
  EXPECT_EQ(f.settled, 15);
}

TEST(FlowBetween, WhatExpiredUndeliveredIsCountedByItsShare) {
  // Half of the stream matches. 100 expired, none of them delivered; 60 came, 30 of them match.
  auto before = filtered(with_stream(log_sample(100, 0, 0, 0), 1, 200, 200, 100));
  auto after = filtered(with_stream(log_sample(80, 0, 0, 0), 101, 260, 160, 80));
  before.can_discard = after.can_discard = true;
  const Flow f = flow(before, after);
  EXPECT_EQ(f.arrivals, 30);
  EXPECT_EQ(f.deliveries, 0);
  EXPECT_EQ(f.settled, 0);
}

TEST(FlowBetween, FilteredWorkQueue) {
  auto before = filtered(with_stream(log_sample(50, 0, 100, 150), 1, 200, 60), Retention::kWorkQueue);
  auto after = filtered(with_stream(log_sample(40, 20, 130, 200), 1, 230, 60), Retention::kWorkQueue);
  const Flow f = flow(before, after);
  EXPECT_EQ(f.arrivals, 20);
  EXPECT_EQ(f.deliveries, 30);
  EXPECT_EQ(f.settled, 10);
  EXPECT_FALSE(f.upper_bound);
}

TEST(FlowBetween, FilteredWorkQueueIsAnUpperBoundWhileMessagesAreRedelivered) {
  auto before = filtered(with_stream(log_sample(50, 20, 100, 150), 1, 200, 60), Retention::kWorkQueue);
  auto after = filtered(with_stream(log_sample(45, 20, 140, 156), 1, 210, 60), Retention::kWorkQueue);
  after.num_redelivered = 15;
  const Flow f = flow(before, after);
  EXPECT_EQ(f.deliveries, 6);  // of ΔC = 40; S moved by 6
  EXPECT_EQ(f.arrivals, 1);
  EXPECT_TRUE(f.upper_bound);
  // Fifteen messages became redelivered ones: so many deliveries of ΔC at least were not the first.
  after.delivered_stream_seq = 200;
  EXPECT_EQ(flow(before, after).deliveries, 25);
  // And never more arrivals than the stream took in.
  after.num_redelivered = 1;
  EXPECT_EQ(flow(before, after).arrivals, 10);
}

TEST(FlowBetween, NothingIsDeliveredForTheFirstTimeWhereTheStreamSequenceStands) {
  auto before = filtered(with_stream(log_sample(0, 5, 100, 150), 1, 150, 60), Retention::kInterest);
  auto after = filtered(with_stream(log_sample(0, 5, 900, 150), 1, 170, 60), Retention::kInterest);
  const Flow f = flow(before, after);
  EXPECT_EQ(f.deliveries, 0);
  EXPECT_EQ(f.arrivals, 0);
}

TEST(FlowBetween, WhatIsGivenUpIsNotSettled) {
  auto before = log_sample(0, 10, 20, 20);
  auto after = log_sample(0, 0, 30, 20);
  before.dead = 3;
  after.dead = 10;
  EXPECT_EQ(flow(before, after).settled, 3);
  after.dead = 0;  // a new watch counts from zero
  EXPECT_EQ(flow(before, after).settled, 10);
}

TEST(FlowBetween, ACounterThatGoesBackIsAReset) {
  auto before = with_stream(log_sample(5, 5, 100, 100), 10, 200, 150);
  before.ack_floor_consumer_seq = 50;
  before.ack_floor_stream_seq = 50;
  const auto resets = [&](auto&& change) {
    auto after = before;
    change(after);
    return !flow_by_sequences(before, after, kSecond).has_value();
  };
  EXPECT_FALSE(resets([](auto&) {}));
  EXPECT_TRUE(resets([](auto& q) { q.delivered_consumer_seq = 99; }));
  EXPECT_TRUE(resets([](auto& q) { q.delivered_stream_seq = 99; }));
  EXPECT_TRUE(resets([](auto& q) { q.ack_floor_consumer_seq = 49; }));
  EXPECT_TRUE(resets([](auto& q) { q.ack_floor_stream_seq = 49; }));
  EXPECT_TRUE(resets([](auto& q) { q.last_seq = 199; }));
  EXPECT_TRUE(resets([](auto& q) { q.first_seq = 9; }));
  EXPECT_TRUE(resets([](auto& q) { q.created = "2026-01-01T00:00:01Z"; }));
  EXPECT_TRUE(resets([](auto& q) { q.filtered = true; }));
  EXPECT_FALSE(resets([](auto& q) { q.created.clear(); }));  // not told
}

TEST(FlowBetween, APurgeIsAReset) {
  EXPECT_FALSE(flow_by_sequences(log_sample(500, 0, 10, 10), log_sample(0, 0, 10, 510), kSecond));
  auto before = filtered(with_stream(log_sample(500, 0, 10, 10), 1, 700, 700), Retention::kWorkQueue);
  EXPECT_FALSE(flow_by_sequences(
      before, filtered(with_stream(log_sample(0, 0, 10, 10), 701, 700, 0), Retention::kWorkQueue), kSecond));
}

TEST(FlowBetween, OfAStreamThatDiscardsOnlyALossOfAllIsAPurge) {
  auto before = with_stream(log_sample(500, 0, 0, 0), 1, 500, 500);
  before.can_discard = true;
  auto after = with_stream(log_sample(100, 0, 0, 0), 401, 500, 100);
  after.can_discard = true;
  EXPECT_TRUE(flow_by_sequences(before, after, kSecond));
  after = with_stream(log_sample(0, 0, 0, 0), 501, 500, 0);
  after.can_discard = true;
  EXPECT_FALSE(flow_by_sequences(before, after, kSecond));
}

// nats-server 2.9.10 showed P = 40 after a pull, and 30, the truth, in the next answer; nothing had left the
// stream but what was acknowledged. The numbers are of that run, ten times as large.
TEST(FlowBetween, ACorrectedCountIsNoPurge) {
  const auto before =
      filtered(with_stream(log_sample(400, 300, 900, 1040), 1, 1410, 810), Retention::kWorkQueue);
  const auto after =
      filtered(with_stream(log_sample(300, 0, 900, 1040), 1, 1410, 510), Retention::kWorkQueue);
  const Flow f = flow(before, after);
  EXPECT_EQ(f.arrivals, 0);
  EXPECT_EQ(f.settled, 300);
}

TEST(FlowBetween, HandWrittenSamplesNeedOnlyThreeNumbers) {
  QueueSample before, after;
  before.delivered_consumer_seq = 0;
  before.num_pending = 10;
  after.num_pending = 15;
  after.delivered_consumer_seq = 20;
  after.num_ack_pending = 5;
  const Flow f = flow(before, after);
  EXPECT_EQ(f.arrivals, 25);
  EXPECT_EQ(f.settled, 15);
}

// A queue and its consumer by their rules: publish, deliver, redeliver, settle, give up; with other subjects'
// traffic beside.
struct Model {
  std::uint64_t last = 0, matching = 0, messages = 0;
  std::uint64_t pending = 0, in_hand = 0, consumer = 0, stream = 0, redelivered = 0, dead = 0;
  double arrived = 0, settled = 0;

  void step(int what, std::uint64_t n) {
    if (what == 0) {
      last += n, matching += n, messages += n, pending += n;
      arrived += static_cast<double>(n);
    } else if (what == 1) {
      last += n, messages += n;
    } else if (what == 2) {
      n = std::min(n, pending);
      pending -= n, in_hand += n, consumer += n;
      if (n > 0) stream = std::max(stream + n, last - std::min(last, pending));
    } else if (what == 3) {
      n = std::min(n, in_hand);
      in_hand -= n;
      settled += static_cast<double>(n);
    } else if (what == 4) {
      n = std::min(n, in_hand);
      consumer += n;
      redelivered = std::max(redelivered, n);
    } else if (in_hand > 0) {
      --in_hand, ++dead;
    }
  }
  QueueSample show(bool filter) const {
    QueueSample q = with_stream(log_sample(pending, in_hand, consumer, stream), 1, last, messages, matching);
    q.num_redelivered = redelivered;
    q.dead = dead;
    q.filtered = filter;
    return q;
  }
};

RC_GTEST_PROP(FlowBetween, CountsAreExactWhereTheStreamKeepsItsMessages, ()) {
  Model m;
  QueueSample before = m.show(true);
  double arrivals = 0, settled = 0;
  const int steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    const int actions = *rc::gen::inRange(1, 5);
    for (int a = 0; a < actions; ++a)
      m.step(*rc::gen::inRange(0, 6), *rc::gen::inRange<std::uint64_t>(0, 50));
    const QueueSample after = m.show(true);
    const auto f = flow_by_sequences(before, after, kSecond);
    RC_ASSERT(f.has_value());
    RC_ASSERT(f->arrivals >= 0 && f->deliveries >= 0);
    arrivals += f->arrivals;
    settled += f->settled;
    before = after;
  }
  RC_ASSERT(arrivals == m.arrived);
  RC_ASSERT(settled == m.settled);
}

// Whatever the numbers, also absurd ones: finite, not negative, not wrapped.
RC_GTEST_PROP(FlowBetween, IsAlwaysSane, ()) {
  const auto count =
      rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 100), rc::gen::inRange<std::uint64_t>(0, 1ull << 53),
                     rc::gen::just(std::numeric_limits<std::uint64_t>::max()));
  const auto any = [&] {
    QueueSample q = log_sample(*count, *count, *count, *count);
    const auto maybe = [&](std::optional<std::uint64_t>& v) {
      if (*rc::gen::arbitrary<bool>())
        v = *count;
      else
        v.reset();
    };
    maybe(q.delivered_stream_seq);
    maybe(q.first_seq);
    maybe(q.last_seq);
    maybe(q.stream_messages);
    maybe(q.subject_messages);
    maybe(q.num_redelivered);
    maybe(q.dead);
    q.filtered = *rc::gen::arbitrary<bool>();
    q.can_discard = *rc::gen::arbitrary<bool>();
    q.retention = *rc::gen::element(Retention::kLimits, Retention::kWorkQueue, Retention::kInterest);
    return q;
  };
  const auto f = flow_by_sequences(any(), any(), kSecond);
  if (!f) return;
  RC_ASSERT(std::isfinite(f->arrivals) && f->arrivals >= 0);
  RC_ASSERT(std::isfinite(f->deliveries) && f->deliveries >= 0);
  RC_ASSERT(std::isfinite(f->settled));
}

Time at(double s) { return time_at(1000 + s); }

Input input(double t, std::optional<QueueSample> q, std::optional<std::vector<double>> cpu = std::nullopt) {
  Input in;
  in.at = at(t);
  in.replicas = {2, 2, 0};
  in.queue = std::move(q);
  if (cpu) {
    in.usage.emplace();
    for (const double v : *cpu) {
      ReplicaUsage u;
      u.id = std::to_string(in.usage->size());
      u.cpu = v;
      in.usage->push_back(std::move(u));
    }
  }
  return in;
}

TEST(Meter, TheFirstSampleHasGaugesAndNoRates) {
  Meter meter(seconds(10), seconds(5));
  const auto o = meter.observe(input(0, log_sample(7, 3, 100, 100)));
  ASSERT_TRUE(o);
  EXPECT_EQ(o->get(Metric::kQueueBacklog), 7);
  EXPECT_EQ(o->get(Metric::kQueueAckPending), 3);
  EXPECT_EQ(o->work(), 10);
  EXPECT_FALSE(o->get(Metric::kQueueRateIn));
  EXPECT_FALSE(o->get(Metric::kQueueRateOut));
  EXPECT_FALSE(o->reset);
}

TEST(Meter, RatesAreCountsOverTheirTime) {
  Meter meter(seconds(10), seconds(5));
  (void)meter.observe(input(0, log_sample(0, 0, 0, 0)));
  const auto o = meter.observe(input(0.5, log_sample(10, 5, 20, 20)));
  ASSERT_TRUE(o);
  EXPECT_EQ(o->get(Metric::kQueueRateIn), 60);
  EXPECT_EQ(o->get(Metric::kQueueRateOut), 30);
}

// A message wakes docktor right after a sample; it and its like are no thousand a second.
TEST(Meter, TwoSamplesThatHappenToLieCloseTogetherTellNoRate) {
  Meter m(seconds(10), seconds(5), milliseconds(500));
  const auto observe = [&](double at, std::uint64_t arrived) {
    QueueSample q;
    q.num_pending = arrived;
    q.totals.incarnation = "1";
    q.totals.arrived = q.totals.delivered = arrived;
    m.observe({time_at(at), {1, 1, 0}, q, std::nullopt});
    return m.mean(time_at(at)).get(Metric::kQueueRateIn);
  };
  observe(100, 0);
  EXPECT_EQ(observe(100.02, 30), std::nullopt);
  EXPECT_NEAR(observe(101, 30).value_or(-1), 30, 1e-6);
  EXPECT_NEAR(observe(101.02, 60).value_or(-1), 60 / 1.02, 1e-6);
}

TEST(Meter, MeansAreOverTheWindow) {
  Meter meter(seconds(3), seconds(5));
  for (int i = 0; i <= 10; ++i) (void)meter.observe(input(i, log_sample(i < 8 ? 1000 : 20, 0, 0, 0)));
  EXPECT_EQ(meter.mean(at(10)).get(Metric::kQueueBacklog), 20);
}

TEST(Meter, LagIsOfTheWholeStream) {
  Meter meter(seconds(10), seconds(5));
  EXPECT_EQ(meter.observe(input(0, with_stream(log_sample(3, 0, 5, 5), 1, 12, 12)))->get(Metric::kQueueLag),
            7);
  EXPECT_EQ(meter.observe(input(1, log_sample(3, 0, 5, 5)))->get(Metric::kQueueLag), 3);
  EXPECT_EQ(meter.observe(input(2, with_stream(log_sample(0, 0, 15, 15), 1, 12, 12)))->get(Metric::kQueueLag),
            0);  // read apart
}

TEST(Meter, ATimeThatDoesNotGoOnIsIgnored) {
  Meter meter(seconds(10), seconds(5));
  EXPECT_TRUE(meter.observe(input(1, log_sample(1, 0, 0, 0))));
  EXPECT_FALSE(meter.observe(input(1, log_sample(2, 0, 0, 0))));
  EXPECT_FALSE(meter.observe(input(0.5, log_sample(2, 0, 0, 0))));
  EXPECT_EQ(meter.latest(at(1)).get(Metric::kQueueBacklog), 1);
}

TEST(Meter, AResetStartsANewWindowAndNeverBecomesARate) {
  Meter meter(seconds(10), seconds(5));
  (void)meter.observe(input(0, log_sample(0, 0, 1000, 1000)));
  (void)meter.observe(input(1, log_sample(0, 0, 1100, 1100)));
  EXPECT_EQ(meter.mean(at(1)).get(Metric::kQueueRateIn), 100);
  const auto reset = meter.observe(input(2, log_sample(40, 0, 0, 0)));
  ASSERT_TRUE(reset);
  EXPECT_TRUE(reset->reset);
  EXPECT_FALSE(reset->flow);
  const auto mean = meter.mean(at(2));
  EXPECT_EQ(mean.get(Metric::kQueueBacklog), 40);
  EXPECT_FALSE(mean.get(Metric::kQueueRateIn));
  const auto after = meter.observe(input(3, log_sample(30, 0, 10, 10)));
  EXPECT_FALSE(after->reset);
  EXPECT_EQ(after->get(Metric::kQueueRateIn), 0);
  EXPECT_EQ(after->get(Metric::kQueueRateOut), 10);
}

TEST(Meter, StaleIsOlderThanTheLimit) {
  Meter meter(seconds(10), seconds(5));
  EXPECT_TRUE(meter.latest(at(0)).queue_stale);  // no sample at all
  (void)meter.observe(input(0, log_sample(1, 0, 0, 0)));
  EXPECT_FALSE(meter.latest(at(5)).queue_stale);
  EXPECT_TRUE(meter.latest(at(5.001)).queue_stale);
  (void)meter.observe(input(6, std::nullopt, std::vector<double>{50}));  // the CPU source works on
  EXPECT_TRUE(meter.latest(at(6)).queue_stale);
  EXPECT_FALSE(meter.latest(at(6)).usage_stale);
}

TEST(Meter, CpuOverReplicas) {
  Meter meter(seconds(10), seconds(5));
  const auto o = meter.observe(input(0, std::nullopt, std::vector<double>{10, 50, 90}));
  ASSERT_TRUE(o);
  EXPECT_EQ(o->get(Metric::kCpuAvg), 50);
  EXPECT_EQ(o->get(Metric::kCpuMin), 10);
  EXPECT_EQ(o->get(Metric::kCpuMax), 90);
  EXPECT_FALSE(o->get(Metric::kQueueBacklog));
}

TEST(Meter, MemoryIsBounded) {
  Meter meter(std::chrono::hours(1000), seconds(5));
  for (int i = 0; i < 10'000; ++i)
    (void)meter.observe(input(i * 0.01, log_sample(static_cast<std::uint64_t>(i), 0, 0, 0)));
  // The mean of the newest kMaxSamples.
  const double expected = 10'000 - 0.5 - static_cast<double>(Meter::kMaxSamples) / 2;
  EXPECT_DOUBLE_EQ(*meter.mean(at(100)).get(Metric::kQueueBacklog), expected);
}

}  // namespace
}  // namespace docktor
