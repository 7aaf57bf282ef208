// `docktor decide` fed with what each kind of queue tells: a decision by what it tells, and nothing made up of what it does not.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "core/record.h"
#include "core/several.h"
#include "sim/decide.h"

namespace docktor {
namespace {

// What a queue of this kind tells while `backlog` wait, `came` have come in all and `done` of them are done.
struct Told {
  const char* kind;
  std::function<QueueSample(std::uint64_t backlog, std::uint64_t came, std::uint64_t done)> sample;
  bool in_hand = true;
  bool rates = true;
};

QueueSample gauges(std::uint64_t backlog, std::optional<std::uint64_t> in_hand) {
  QueueSample s;
  s.num_pending = backlog;
  s.num_ack_pending = in_hand;
  return s;
}

QueueSample totals(std::uint64_t backlog, std::optional<std::uint64_t> in_hand, const Totals& counted) {
  auto s = gauges(backlog, in_hand);
  s.totals = counted;
  return s;
}

class DecideKinds : public testing::TestWithParam<Told> {};

TEST_P(DecideKinds, EachGetsADecisionByWhatItTells) {
  const auto& told = GetParam();
  ServiceSpec service;
  service.name = "consumer";
  service.limits.min_replicas = 0;
  service.limits.max_replicas = 10;
  service.queue = QueueSpec{};
  service.check_interval = std::chrono::seconds(1);
  service.rules =
      RulesSpec{.scale_up_when = {{.metric = Metric::kQueueBacklog, .op = Op::kGreater, .value = 50}},
                .scale_down_when = {{.metric = Metric::kQueueBacklog, .op = Op::kLessEqual, .value = 5}}};
  Config config;
  config.services.push_back(service);
  Decider decider(config);
  nlohmann::json last;
  for (std::uint64_t n = 1; n <= 12; ++n) {
    Input input{.at = Time(std::chrono::seconds(1000 + n)), .replicas = {.current = 2, .ready = 2}};
    // Ten come a second, five are done.
    input.queue = told.sample(100 + 5 * n, 1000 + 10 * n, 898 + 5 * n);
    last = nlohmann::json::parse(decider.answer(to_line(to_json(input, "consumer")), n));
    ASSERT_FALSE(last.contains("error")) << last.dump();
  }
  EXPECT_EQ(last["decision"], "scale_up") << last.dump();
  const auto& seen = last["observations"];
  EXPECT_EQ(seen["queue.backlog"], 137.5) << "the mean of the last ten seconds";
  EXPECT_EQ(seen.contains("queue.num_ack_pending"), told.in_hand) << "what is not told is not 0";
  ASSERT_EQ(seen.contains("queue.rate_in"), told.rates) << last.dump();
  if (told.rates) {
    EXPECT_NEAR(seen["queue.rate_in"].get<double>(), 10, 1);
  }
}

QueueSample of_jetstream(std::uint64_t backlog, std::uint64_t came, std::uint64_t) {
  auto s = gauges(backlog, 2);
  s.last_seq = s.stream_messages = came;
  s.first_seq = 1;
  s.delivered_consumer_seq = s.delivered_stream_seq = came - backlog;
  s.ack_floor_consumer_seq = s.ack_floor_stream_seq = came - backlog - 2;
  s.num_waiting = 0;
  return s;
}

QueueSample of_rabbitmq(std::uint64_t backlog, std::uint64_t came, std::uint64_t) {
  auto s = totals(backlog, 2, {.incarnation = "a", .arrived = came, .delivered = came - backlog});
  s.consumers = 2;
  return s;
}

QueueSample of_kafka(std::uint64_t backlog, std::uint64_t came, std::uint64_t) {
  auto s = totals(backlog, std::nullopt, {.incarnation = "a", .arrived = came, .settled = came - backlog});
  s.useful = UsefulReplicas{12, "12 partitions"};
  return s;
}

QueueSample of_sqs(std::uint64_t backlog, std::uint64_t, std::uint64_t) {
  auto s = gauges(backlog, 2);
  s.scheduled = 7;
  return s;
}

QueueSample of_river(std::uint64_t backlog, std::uint64_t came, std::uint64_t) {
  auto s = totals(backlog, 2, {.incarnation = "a", .arrived = came});
  s.scheduled = 7;
  s.dead = 1;
  s.oldest_age = std::chrono::seconds(3);
  return s;
}

QueueSample of_stream(std::uint64_t backlog, std::uint64_t came, std::uint64_t) {
  auto s = totals(backlog, 2, {.incarnation = "a", .arrived = came, .delivered = came - backlog});
  s.oldest_age = std::chrono::seconds(3);
  s.consumers = 4;
  return s;
}

QueueSample of_two(std::uint64_t backlog, std::uint64_t came, std::uint64_t done) {
  return sum_of({{"first", of_stream(backlog - 40, came, done)}, {"second", of_stream(40, 1000, 960)}});
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, DecideKinds,
    testing::Values(
        Told{"nats", of_jetstream}, Told{"rabbitmq", of_rabbitmq},
        Told{"rabbitmq_by_amqp_alone", [](auto p, auto, auto) { return gauges(p, std::nullopt); }, false,
             false},
        Told{"kafka", of_kafka, false}, Told{"sqs", of_sqs, true, false}, Told{"redis_stream", of_stream},
        Told{"celery", [](auto p, auto, auto) { return gauges(p, std::nullopt); }, false, false},
        Told{"rq", of_sqs, true, false},
        Told{"bullmq", [](auto p, auto c, auto) { return totals(p, 2, {.incarnation = "a", .arrived = c}); }},
        Told{"postgres", of_river},
        Told{"prometheus",
             [](auto p, auto, auto d) { return totals(p, std::nullopt, {.incarnation = "a", .settled = d}); },
             false},
        Told{"http", [](auto p, auto, auto) { return gauges(p, 2); }, true, false},
        Told{"two_queues", of_two}),
    [](const auto& i) { return std::string(i.param.kind); });

}  // namespace
}  // namespace docktor
