#include "core/record.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

using nlohmann::json;

Input full_input() {
  Input in;
  in.at = time_at(1763829000.123457);
  in.replicas = {5, 3, 1};
  QueueSample q;
  q.num_pending = 840;
  q.num_ack_pending = 2;
  q.delivered_consumer_seq = 5120;
  q.delivered_stream_seq = 5119;
  q.ack_floor_consumer_seq = 5000;
  q.ack_floor_stream_seq = 4999;
  q.last_seq = 5960;
  q.stream_messages = 900;
  q.subject_messages = 800;
  q.num_waiting = 0;
  q.num_redelivered = 4;
  q.dead = 1;
  q.created = "2026-01-01T00:00:00Z";
  q.filtered = true;
  q.can_discard = true;
  q.retention = Retention::kInterest;
  q.redelivered_after = std::chrono::seconds(7);
  in.queue = q;
  in.usage = {{ReplicaUsage{"a", 50.5, 25.25, 1e6, 10.0},
               ReplicaUsage{"b", 0, std::nullopt, std::nullopt, std::nullopt}}};
  return in;
}

TEST(InputRecord, SurvivesARoundTripToTheLastMicrosecond) {
  const Input in = full_input();
  const auto line = to_line(to_json(in, "consumer"));
  const auto back = input_from_json(json::parse(line));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->first, "consumer");
  EXPECT_EQ(back->second.at, in.at);
  EXPECT_EQ(to_line(to_json(back->second, "consumer")), line);
}

// What a queue that counts totals tells, one that tells what is in hand, and one that does not.
TEST(InputRecord, OfTotalsSurvivesARoundTripAndKeepsWhatIsNotToldAbsent) {
  Input in;
  in.at = time_at(12);
  in.replicas = {4, 2, 0, 1};
  QueueSample q;
  q.num_pending = 7;
  q.num_ack_pending.reset();
  q.totals = {.incarnation = "boot 3", .arrived = 90, .settled = 83, .upper_bound = true};
  q.scheduled = 2;
  q.consumers = 3;
  q.oldest_age = std::chrono::milliseconds(1500);
  q.step = std::chrono::seconds(5);
  q.useful = UsefulReplicas{12, "12 partitions"};
  q.rebalancing = true;
  in.queue = q;
  const auto line = to_line(to_json(in, "mail"));
  EXPECT_EQ(
      line,
      R"({"t":12.0,"service":"mail","replicas":{"current":4,"ready":2,"not_placed":1},"queue":{"num_pending":7,)"
      R"("scheduled":2,"consumers":3,"oldest_age":1.5,"arrived":90,"settled":83,"incarnation":"boot 3",)"
      R"("upper_bound":true,"step":5.0,"useful_replicas":{"most":12,"why":"12 partitions"},"rebalancing":true}})");
  const auto back = input_from_json(json::parse(line));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->second.replicas, in.replicas);
  EXPECT_EQ(back->second.queue->num_ack_pending, std::nullopt);
  EXPECT_EQ(back->second.queue->delivered_consumer_seq, std::nullopt);
  EXPECT_EQ(back->second.queue->totals, q.totals);
  EXPECT_TRUE(back->second.queue->rebalancing);
  EXPECT_EQ(to_line(to_json(back->second, "mail")), line);
}

TEST(InputRecord, TakesTheLineOfTheDocumentation) {
  const auto in = input_from_json(json::parse(
      R"({"t":12.0,"service":"consumer","replicas":{"current":3,"ready":2},"queue":{"num_pending":840,"num_ack_pending":2,)"
      R"("delivered_consumer_seq":5120,"delivered_stream_seq":5120,"last_seq":5960,"num_waiting":0}})"));
  ASSERT_TRUE(in) << in.error().message;
  EXPECT_EQ(in->second.at, time_at(12));
  EXPECT_EQ(in->second.replicas, (ReplicaCounts{3, 2, 0}));
  EXPECT_EQ(in->second.queue->last_seq, 5960u);
  EXPECT_FALSE(in->second.queue->filtered);
}

TEST(InputRecord, RefusesWhatItCannotTrustAndNamesIt) {
  const auto error = [](const char* text) {
    const auto r = input_from_json(json::parse(text));
    return r ? std::string("accepted") : r.error().message;
  };
  EXPECT_EQ(error("[]"), "the line must be a JSON object");
  EXPECT_EQ(error(R"({"service":"a"})"), "t must be a number of seconds from 0 to 8e9");
  EXPECT_EQ(error(R"({"t":"1","service":"a"})"), "t must be a number of seconds from 0 to 8e9");
  EXPECT_EQ(error(R"({"t":1e300,"service":"a"})"), "t must be a number of seconds from 0 to 8e9");
  EXPECT_EQ(error(R"({"t":1,"service":7})"), "service must be a service's name");
  EXPECT_EQ(error(R"({"t":1,"service":"a","replicas":3})"),
            "replicas must be an object with current and ready");
  EXPECT_EQ(error(R"({"t":1,"service":"a","replicas":{"ready":1}})"), "replicas.current is missing");
  EXPECT_EQ(error(R"({"t":1,"service":"a","replicas":{"current":-1}})"),
            "replicas.current must be a whole number from 0 to 2^53");
  EXPECT_EQ(error(R"({"t":1,"service":"a","replicas":{"current":"3"}})"),
            "replicas.current must be a whole number from 0 to 2^53");
  EXPECT_EQ(error(R"({"t":1,"service":"a","replicas":{"current":1,"ready":2}})"),
            "replicas: ready, failing and not_placed must be at most current, and that at most 1000000");
  EXPECT_EQ(error(R"({"t":1,"service":"a","replicas":{"current":1}})"), "queue is missing");
  EXPECT_EQ(error(R"({"t":1,"service":"a","replicas":{"current":1},"queue":{"num_ack_pending":1}})"),
            "queue.num_pending is missing");
  EXPECT_EQ(
      error(
          R"({"t":1,"service":"a","replicas":{"current":1},"queue":{"num_pending":1,"delivered_consumer_seq":1}})"),
      "queue.num_ack_pending is missing");
  EXPECT_EQ(
      error(
          R"({"t":1,"service":"a","replicas":{"current":1},"queue":{"num_pending":1,"useful_replicas":{"why":"x"}}})"),
      "queue.useful_replicas must be an object with most, from 1, and why");
  EXPECT_EQ(
      error(
          R"({"t":1,"service":"a","replicas":{"current":1},"queue":{"num_pending":1.5,"num_ack_pending":0,"delivered_consumer_seq":0}})"),
      "queue.num_pending must be a whole number from 0 to 2^53");
  EXPECT_EQ(
      error(
          R"({"t":1,"service":"a","replicas":{"current":1},"queue":{"num_pending":18446744073709551615,"num_ack_pending":0,"delivered_consumer_seq":0}})"),
      "queue.num_pending must be a whole number from 0 to 2^53");
  EXPECT_EQ(error(R"({"t":1,"service":"a","replicas":{"current":1},"cpu":[-4]})"),
            "cpu must be percent per replica, each from 0 to 1e7");
}

TEST(DecisionRecord, HasTheSeedsFieldsInTheSeedsOrder) {
  Decision d;
  d.service = "consumer";
  d.action = Action::kScaleUp;
  d.current = 1;
  d.target = 3;
  d.reason = "queue.backlog 1500.0 > 500";
  d.observation.queue_at = time_at(1);
  d.observation.set(Metric::kQueueBacklog, 1500);
  d.observation.set(Metric::kQueueRateIn, 300.5);
  d.recommendation.matched_rules.push_back(
      {"scale_up_when", {Metric::kQueueBacklog, Op::kGreater, 500, "queue.backlog", "500"}, 1500});
  EXPECT_EQ(
      to_line(to_json(d)),
      R"({"service":"consumer","current_replicas":1,"decision":"scale_up","target_replicas":3,)"
      R"("reason":"queue.backlog 1500.0 > 500","observations":{"queue.backlog":1500,"queue.rate_in":300.5},)"
      R"("matched_rules":[{"when":"scale_up_when","metric":"queue.backlog","op":">","value":500,"seen":1500}],"limits":[]})");
}

TEST(UtcSeconds, IsTheSeedsForm) { EXPECT_EQ(utc_seconds(time_at(1738161000.9)), "2025-01-29T14:30:00Z"); }

TEST(ToLine, ReplacesTextThatIsNotUtf8) {
  EXPECT_EQ(to_line({{"a", "x\xffy"}}), "{\"a\":\"x\xef\xbf\xbdy\"}");
}

}  // namespace
}  // namespace docktor
