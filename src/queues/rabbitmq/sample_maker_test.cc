#include "queues/rabbitmq/sample_maker.h"

#include <gtest/gtest.h>

#include "core/meter.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kUnix = 1'700'000'000;

class SampleMakerTest : public testing::Test {
 protected:
  Result<QueueSample> make(Declared d, std::optional<QueueFigures> f) {
    std::optional<KnownFigures> known;
    if (f) known = KnownFigures{*f, now_};
    return maker_.make(now_, kUnix, d, known);
  }
  static QueueFigures classic(std::uint64_t unacknowledged, std::uint64_t publish, std::uint64_t deliver,
                              std::uint64_t redeliver = 0) {
    QueueFigures f;
    f.type = "classic";
    f.ready = 0;
    f.unacknowledged = unacknowledged;
    f.stats = QueueFigures::Stats{publish, deliver, redeliver};
    return f;
  }
  static QueueFigures quorum(std::optional<std::uint64_t> ready) {
    QueueFigures f;
    f.type = "quorum";
    f.ready = ready;
    return f;
  }

  SampleMaker maker_{"q"};
  SampleMaker::SteadyTime now_{1000s};
};

TEST_F(SampleMakerTest, TheBacklogIsAmqpsAndTheRestTheApis) {
  auto f = classic(7, 100, 90, 3);
  f.ready = 55;  // seconds old
  f.head_timestamp = kUnix - 12;
  const auto q = make({40, 2}, f);
  ASSERT_TRUE(q);
  EXPECT_EQ(q->num_pending, 40u);
  EXPECT_EQ(q->consumers, 2u);
  EXPECT_EQ(q->num_ack_pending, 7u);
  EXPECT_EQ(q->totals.arrived, 100u);
  EXPECT_EQ(q->totals.delivered, 87u);
  EXPECT_FALSE(q->totals.settled);
  EXPECT_EQ(q->oldest_age, Duration(12s));
  EXPECT_FALSE(q->useful);
}

TEST_F(SampleMakerTest, WithoutTheApiOnlyTheBacklogIsKnown) {
  const auto q = make({40, 2}, std::nullopt);
  ASSERT_TRUE(q);
  EXPECT_EQ(q->num_pending, 40u);
  EXPECT_FALSE(q->num_ack_pending);
  EXPECT_FALSE(q->totals.arrived || q->totals.delivered || q->totals.settled);
}

TEST_F(SampleMakerTest, AStreamIsRefusedWithTheReason) {
  QueueFigures f;
  f.type = "stream";
  const auto q = make({0, 0}, f);
  ASSERT_FALSE(q);
  EXPECT_EQ(q.error().code, ErrorCode::kInvalid);
  EXPECT_NE(q.error().message.find("stream"), std::string::npos);
}

TEST_F(SampleMakerTest, ASingleActiveConsumerBoundsTheReplicas) {
  auto f = classic(0, 1, 1);
  f.single_active_consumer = true;
  EXPECT_EQ(make({5, 1}, f)->useful->most, 1);
}

TEST_F(SampleMakerTest, TheZeroOfAQuorumQueueNeedsTheApisWord) {
  EXPECT_EQ(make({500, 0}, quorum(500))->num_pending, 500u);
  auto leaderless = quorum(500);
  leaderless.leaderless = true;
  EXPECT_TRUE(maker_.needs_fresh({0, 0}, KnownFigures{quorum(500), now_}));
  for (const auto& f :
       {std::optional(leaderless), std::optional(quorum(std::nullopt)), std::optional<QueueFigures>()}) {
    const auto q = make({0, 0}, f);
    ASSERT_FALSE(q);
    EXPECT_EQ(q.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_EQ(make({0, 0}, quorum(12))->num_pending, 12u);  // older, but a leader's word
  EXPECT_FALSE(make({0, 0, 300ms}, quorum(0)));
  EXPECT_EQ(make({0, 0}, quorum(0))->num_pending, 0u);
  EXPECT_FALSE(maker_.needs_fresh({0, 0}, KnownFigures{quorum(0), now_}));  // nothing has changed since
}

TEST_F(SampleMakerTest, OlderFiguresConfirmNoZeroOfAQuorumQueue) {
  const auto later = now_ + 1ms;
  for (int round = 0; round < 2; ++round) {  // its type not known yet, and known
    const auto q = make({.at = later}, quorum(0));
    ASSERT_FALSE(q);
    EXPECT_EQ(q.error().code, ErrorCode::kUnavailable);
    EXPECT_FALSE(make({.at = later}, std::nullopt));
  }
  EXPECT_EQ(make({.at = now_}, quorum(0))->num_pending, 0u);
  EXPECT_EQ(make({.at = later}, quorum(0))->num_pending, 0u) << "confirmed, and nothing has changed since";
  EXPECT_EQ(make({.messages = 3, .at = later}, quorum(0))->num_pending, 3u);
  EXPECT_FALSE(make({.at = later}, quorum(0)));
}

TEST_F(SampleMakerTest, WithoutTheApiMessagesAndConsumersThatVanishAtOnceAreNoZero) {
  ASSERT_TRUE(make({500, 3}, std::nullopt));
  EXPECT_FALSE(make({0, 0}, std::nullopt));
  now_ += 61s;
  EXPECT_TRUE(make({0, 0}, std::nullopt));  // for so long it is believed
  ASSERT_TRUE(make({500, 3}, std::nullopt));
  EXPECT_TRUE(make({0, 3}, std::nullopt));  // worked off
  EXPECT_TRUE(make({0, 0}, std::nullopt));  // and then left
}

TEST_F(SampleMakerTest, CountersThatGoBackOrVanishBeginAnew) {
  const auto first = make({0, 0}, classic(0, 100, 100))->totals.incarnation;
  EXPECT_EQ(make({0, 0}, classic(0, 120, 110))->totals.incarnation, first);
  const auto second = make({0, 0}, classic(0, 5, 0))->totals.incarnation;
  EXPECT_NE(second, first);
  auto none = classic(0, 0, 0);
  none.stats.reset();
  const auto third = make({0, 0}, none)->totals.incarnation;
  EXPECT_NE(third, second);
  EXPECT_EQ(make({0, 0}, classic(0, 9, 0))->totals.incarnation, third);  // the new count begins
  // An API that does not answer for a while is no restart.
  EXPECT_EQ(make({0, 0}, std::nullopt)->totals.incarnation, third);
  EXPECT_EQ(make({0, 0}, classic(0, 10, 0))->totals.incarnation, third);
}

TEST_F(SampleMakerTest, DeliveriesThatAreNotToldYetAreNotZero) {
  auto f = classic(0, 100, 0);
  f.stats->deliver_get.reset();
  EXPECT_EQ(make({100, 0}, f)->totals.delivered, 0u);  // nobody is there to deliver to
  EXPECT_FALSE(make({60, 1}, f)->totals.delivered);
  EXPECT_FALSE(make({60, 1}, f)->totals.arrived);  // what came would be made of the backlog then
  EXPECT_EQ(make({40, 1}, classic(1, 100, 50))->totals.delivered, 50u);
}

// Told each 5 s, a message that is in hand for a moment looks like a long one.
TEST_F(SampleMakerTest, WhatIsInHandIsNotToldBeforeAnythingIsCounted) {
  QueueFigures f = classic(1, 0, 0);
  f.stats.reset();
  EXPECT_EQ(make({0, 0}, f)->num_ack_pending, 1u) << "nobody is there";
  for (int i = 0; i < 5; ++i, now_ += 2s) {
    const auto q = make({4, 1}, f);
    EXPECT_FALSE(q->num_ack_pending);
    EXPECT_GE(q->step, Duration(5s));
  }
  f.stats = QueueFigures::Stats{12, std::nullopt, 0};
  EXPECT_FALSE(make({4, 1}, f)->num_ack_pending);
  f.stats = QueueFigures::Stats{12, 8, 0};
  EXPECT_EQ(make({4, 1}, f)->num_ack_pending, 1u);
  f.stats.reset();  // a server that does not count at all: then hands are all there is
  EXPECT_FALSE(make({4, 1}, f)->num_ack_pending);
  f.unacknowledged = 0;
  now_ += 15s;
  EXPECT_EQ(make({0, 1}, f)->num_ack_pending, 0u) << "no work";
  f.unacknowledged = 1;
  now_ += 10s;
  EXPECT_EQ(make({4, 1}, f)->num_ack_pending, 1u) << "work that comes and goes is no new beginning";
}

TEST_F(SampleMakerTest, CountingDoesNotBeginWithGaugesOfBeforeTheWork) {
  EXPECT_FALSE(make({500, 1}, classic(0, 600, 100))->totals.delivered);
  EXPECT_EQ(make({480, 1}, classic(1, 600, 100))->totals.delivered, 100u);
  EXPECT_EQ(make({3, 1}, classic(0, 600, 100))->totals.delivered,
            100u);  // it has begun: now and then it is idle
}

// 100/s in, 90/s out, sampled each second, counters that move each 5 s: as a meter sees it.
TEST_F(SampleMakerTest, AMeterSeesTheTrueRatesInEveryWindow) {
  Meter meter(10s, 5s);
  std::optional<double> low_in, high_in, low_out, high_out;
  const auto widen = [](std::optional<double>& low, std::optional<double>& high, double v) {
    low = std::min(low.value_or(v), v);
    high = std::max(high.value_or(v), v);
  };
  int resets = 0;
  for (int t = 0; t < 120; ++t, now_ += 1s) {
    const auto told = static_cast<std::uint64_t>(t - t % 5);                           // counters
    const auto told_later = static_cast<std::uint64_t>(std::max(0, t - (t + 2) % 5));  // a phase of their own
    const auto s =
        make({static_cast<std::uint64_t>(1000 + 10 * t), 3}, classic(20, 100 * told, 90 * told_later));
    ASSERT_TRUE(s);
    Input in;
    in.at = time_at(1000 + t);
    in.queue = *s;
    const auto o = meter.observe(in);
    ASSERT_TRUE(o);
    resets += o->reset;
    if (t < 20 || !o->flow) continue;
    widen(low_in, high_in, *o->get(Metric::kQueueRateIn));
    widen(low_out, high_out, *o->get(Metric::kQueueRateOut));
  }
  EXPECT_EQ(resets, 0);
  ASSERT_TRUE(low_in && low_out);
  EXPECT_DOUBLE_EQ(*low_in, 100);
  EXPECT_DOUBLE_EQ(*high_in, 100);
  EXPECT_DOUBLE_EQ(*low_out, 90);
  EXPECT_DOUBLE_EQ(*high_out, 90);
}

}  // namespace
}  // namespace docktor
