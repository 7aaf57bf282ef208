// Several queues as one: sums, what one of them does not tell, and flows that begin anew one by one.
#include "core/several.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "core/flow.h"
#include "core/meter.h"
#include "core/record.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;

QueueSample counted(std::uint64_t pending, std::uint64_t arrived, std::optional<std::uint64_t> in_hand = 0) {
  QueueSample q;
  q.num_pending = pending;
  q.num_ack_pending = in_hand;
  q.totals.arrived = arrived;
  q.totals.incarnation = "1";
  return q;
}

QueueSample mail_and_push(QueueSample mail, QueueSample push) {
  return sum_of({{"push", std::move(push)}, {"mail", std::move(mail)}});
}

Input input_at(double t, QueueSample queue) { return {time_at(t), {1, 1}, std::move(queue), std::nullopt}; }

TEST(SumOf, AddsUpWhatAllTellAndKeepsEachByName) {
  QueueSample mail = counted(7, 100, 2), push = counted(3, 50, 1);
  mail.dead = 4;
  mail.oldest_age = 9s;
  push.oldest_age = 20s;
  push.scheduled = 5;
  mail.step = 5s;
  push.redelivered_after = 60s;
  const auto sum = mail_and_push(mail, push);
  EXPECT_EQ(sum.num_pending, 10u);
  EXPECT_EQ(sum.num_ack_pending, 3u);
  EXPECT_FALSE(sum.dead) << "push does not tell: a part is not the sum";
  EXPECT_FALSE(sum.scheduled);
  EXPECT_EQ(sum.oldest_age, Duration(20s)) << "the oldest of all";
  EXPECT_EQ(sum.step, Duration(5s)) << "as old as its oldest part";
  EXPECT_EQ(sum.redelivered_after, Duration(60s));
  ASSERT_EQ(sum.parts.size(), 2u);
  EXPECT_EQ(sum.parts[0].name, "mail");
  EXPECT_EQ(sum.parts[0].shown.dead, 4u);
}

TEST(SumOf, AQueueWithNothingWaitingHasNoOldestMessageToTell) {
  QueueSample mail = counted(7, 100), push = counted(0, 50);
  mail.oldest_age = 9s;
  EXPECT_EQ(mail_and_push(mail, push).oldest_age, Duration(9s));
  push.num_pending = 1;
  EXPECT_FALSE(mail_and_push(mail, push).oldest_age) << "the one in push may be older";
}

TEST(SumOf, OfWhatIsInHandTheKnownPartIsNotForgotten) {
  const auto sum = mail_and_push(counted(0, 100, 2), counted(0, 50, std::nullopt));
  EXPECT_FALSE(sum.num_ack_pending);
  EXPECT_EQ(sum.in_hand(), 2u);
}

TEST(SumOf, ReplicasAreOfUseUpToWhatAllCanFeed) {
  QueueSample mail = counted(7, 100), push = counted(3, 50);
  mail.useful = UsefulReplicas{12, "12 partitions"};
  EXPECT_FALSE(mail_and_push(mail, push).useful) << "push can feed any number";
  push.useful = UsefulReplicas{6, "6 groups"};
  const auto sum = mail_and_push(mail, push);
  ASSERT_TRUE(sum.useful);
  EXPECT_EQ(sum.useful->most, 18);
  EXPECT_EQ(sum.useful->why, "12 partitions of mail, 6 groups of push");
}

TEST(SumOf, WhatWaitsInAPausedQueueIsNoWorkUnlessAllArePaused) {
  QueueSample mail = counted(7, 100, 2), push = counted(3, 50, 0);
  mail.paused = "paused until noon";
  EXPECT_EQ(mail_and_push(mail, push).num_pending, 3u);
  EXPECT_EQ(mail_and_push(mail, push).num_ack_pending, 2u) << "what workers took before is in their hands";
  EXPECT_TRUE(mail_and_push(mail, push).paused.empty());
  push.paused = "paused, too";
  EXPECT_EQ(mail_and_push(mail, push).num_pending, 10u);
  EXPECT_EQ(mail_and_push(mail, push).paused, "mail: paused until noon; push: paused, too");
}

TEST(SumOf, StandsStillWhereTheConsumersOfOneOfThemDo) {
  QueueSample mail = counted(7, 100), push = counted(3, 50);
  EXPECT_FALSE(mail_and_push(mail, push).rebalancing);
  push.rebalancing = true;
  EXPECT_TRUE(mail_and_push(mail, push).rebalancing);
}

TEST(FlowOfSeveral, IsTheSumOverTheSameTime) {
  const auto before = mail_and_push(counted(10, 100, 0), counted(5, 50, 0));
  // 20 came to mail and 15 were delivered; 10 came to push and 12 were delivered, 2 of them still in hand.
  const auto after = mail_and_push(counted(15, 120, 0), counted(3, 60, 2));
  const auto [reset, flow] = flow_between(before, after, 1s);
  EXPECT_FALSE(reset);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->arrivals, 30);
  EXPECT_EQ(flow->deliveries, 27);
  EXPECT_EQ(flow->settled, 25);
}

TEST(FlowOfSeveral, AResetOfOneIsAResetAndSoIsAnotherSetOfQueues) {
  const auto before = mail_and_push(counted(10, 100), counted(5, 50));
  EXPECT_TRUE(flow_between(before, mail_and_push(counted(10, 101), counted(5, 49)), 1s).reset);
  EXPECT_TRUE(flow_between(before, sum_of({{"mail", counted(10, 100)}}), 1s).reset);
  EXPECT_TRUE(flow_between(before, counted(15, 150), 1s).reset);
  QueueSample paused = counted(10, 100);
  paused.paused = "until noon";
  EXPECT_TRUE(flow_between(before, mail_and_push(paused, counted(5, 50)), 1s).reset);
}

TEST(FlowOfSeveral, IsNotKnownWhereOneDoesNotCount) {
  QueueSample gauges;
  gauges.num_pending = 4;
  const auto [reset, flow] =
      flow_between(mail_and_push(counted(1, 1), gauges), mail_and_push(counted(1, 9), gauges), 1s);
  EXPECT_FALSE(reset);
  EXPECT_FALSE(flow);
}

TEST(MeterOfSeveral, MeasuresAllTogetherAndEachAlone) {
  Meter meter(10s, 5s);
  meter.observe(input_at(100, mail_and_push(counted(10, 100), counted(5, 50))));
  meter.observe(input_at(101, mail_and_push(counted(20, 110), counted(5, 54))));
  const auto seen = meter.mean(time_at(101));
  EXPECT_EQ(seen.get(Metric::kQueueRateIn), 14);
  EXPECT_EQ(seen.get(Metric::kQueueBacklog), 20) << "the mean of 15 and 25";
  ASSERT_NE(seen.part("mail"), nullptr);
  EXPECT_EQ(seen.part("mail")->get(Metric::kQueueRateIn), 10);
  EXPECT_EQ(seen.part("mail")->get(Metric::kQueueBacklog), 15);
  EXPECT_EQ(seen.part("push")->get(Metric::kQueueRateIn), 4);
  EXPECT_EQ(seen.part("post"), nullptr);
}

// One was made anew: nothing is known of all until the next sample, and the other's own figures go on.
TEST(MeterOfSeveral, AQueueThatBeganAnewDoesNotHideTheOther) {
  Meter meter(10s, 5s);
  meter.observe(input_at(100, mail_and_push(counted(10, 100), counted(5, 50))));
  meter.observe(input_at(101, mail_and_push(counted(0, 2), counted(5, 54))));
  const auto seen = meter.latest(time_at(101));
  EXPECT_TRUE(seen.reset);
  EXPECT_FALSE(seen.get(Metric::kQueueRateIn));
  EXPECT_TRUE(seen.part("mail")->reset);
  EXPECT_FALSE(seen.part("push")->reset);
  EXPECT_EQ(seen.part("push")->get(Metric::kQueueRateIn), 4);
}

TEST(MeterOfSeveral, SavedAndRestoredItGoesOn) {
  Meter meter(10s, 5s), again(10s, 5s);
  meter.observe(input_at(100, mail_and_push(counted(10, 100), counted(5, 50))));
  meter.observe(input_at(101, mail_and_push(counted(20, 110), counted(5, 54))));
  nlohmann::json state;
  meter.save(state);
  again.restore(nlohmann::json::parse(state.dump()), time_at(101.5));
  for (Meter* m : {&meter, &again}) {
    m->observe(input_at(102, mail_and_push(counted(20, 130), counted(5, 55))));
    const auto seen = m->mean(time_at(102));
    EXPECT_FALSE(seen.reset);
    EXPECT_EQ(seen.get(Metric::kQueueRateIn), 17.5);
    EXPECT_EQ(seen.part("mail")->get(Metric::kQueueRateIn), 15);
  }
}

TEST(RecordOfSeveral, ComesBackAsItWas) {
  QueueSample mail = counted(7, 100, 2), push = counted(3, 50, 1);
  mail.oldest_age = 9s;
  const auto line = to_json(input_at(100, mail_and_push(mail, push)), "web");
  EXPECT_FALSE(line.contains("queue")) << "the sum follows from the parts";
  EXPECT_EQ(line["queues"]["mail"]["num_pending"], 7);
  const auto back = input_from_json(nlohmann::json::parse(line.dump()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->second.queue->num_pending, 10u);
  EXPECT_EQ(to_json(back->second, "web"), line);
}

TEST(RecordOfSeveral, IsStrict) {
  const auto refused = [](const char* rest) {
    const auto r = input_from_json(nlohmann::json::parse(
        std::string(R"({"t":1,"service":"web","replicas":{"current":1},)") + rest + "}"));
    return r ? std::string("taken") : r.error().message;
  };
  EXPECT_EQ(refused(R"("queues":{"mail":{}})"), "queues.mail.num_pending is missing");
  EXPECT_EQ(refused(R"("queues":{})"), "queues must be an object of 1 to 32 queues by their names");
  EXPECT_EQ(refused(R"("queues":{"ma.il":{"num_pending":1}})"),
            "queues: the name of a queue is 1 to 63 letters, digits, _ and -");
  EXPECT_EQ(refused(R"("queues":{"mail":7})"),
            "queues.mail must be an object with num_pending and what else is known of it");
  EXPECT_EQ(refused(R"("queue":{"num_pending":1},"queues":{"mail":{"num_pending":1}})"),
            "both queue and queues are there; give one of them");
}

TEST(MetricNames, OfOneQueueHaveItsNameInTheMiddle) {
  const auto m = queue_metric_named("queue.mail.rate_in");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->queue, "mail");
  EXPECT_EQ(m->metric, Metric::kQueueRateIn);
  EXPECT_EQ(name_of("mail", Metric::kQueueRateIn), "queue.mail.rate_in");
  for (const char* text :
       {"queue.rate_in", "queue..rate_in", "queue.mail.", "queue.mail.avg", "cpu.mail.avg", "queue"})
    EXPECT_FALSE(queue_metric_named(text)) << text;
}

}  // namespace
}  // namespace docktor
