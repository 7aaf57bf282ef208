// The keys of kind redis: what is refused, with the words, and what a framework leaves out.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queues/redis/redis_spec.h"
#include "tests/config/test_files.h"

namespace docktor::redis_keys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

LoadResult load(const std::string& keys, const std::string& policy =
                                             "rules: {scale_up_when: [{metric: queue.backlog, op: '>', "
                                             "value: 1}]}") {
  return load_text(
      "services:\n  - name: a\n    max_replicas: 3\n    target: {kind: process, command: [w]}\n    queue: "
      "{kind: redis, " +
      keys + "}\n    " + policy + "\n");
}

std::string mistake(const std::string& keys, const std::string& policy =
                                                 "rules: {scale_up_when: [{metric: queue.backlog, op: "
                                                 "'>', value: 1}]}") {
  const auto r = load(keys, policy);
  return r.mistakes.size() == 1
             ? r.mistakes.front()
             : fmt::format("{} mistakes: {}", r.mistakes.size(), fmt::join(r.mistakes, " | "));
}

RedisSpec spec(const std::string& keys) {
  const auto r = load(keys);
  EXPECT_TRUE(r.config) << fmt::format("{}", fmt::join(r.mistakes, " | "));
  return r.config ? RedisSpec::from(r.config->services.front().queue->settings) : RedisSpec{};
}

TEST(RedisKeys, TheLeastOfEachWay) {
  EXPECT_EQ(spec("url: 'redis://r', stream: s, group: g").claim_after, Duration(std::chrono::seconds(60)));
  const auto celery = spec("url: 'redis://r', framework: celery");
  EXPECT_THAT(celery.queues, ElementsAre("celery"));
  EXPECT_EQ(celery.claim_after, Duration(std::chrono::hours(1)));
  const auto bull = spec("url: 'redis://r', framework: bullmq, queue: mail");
  EXPECT_EQ(bull.key_prefix, "bull");
  EXPECT_THAT(bull.queues, ElementsAre("mail"));
  EXPECT_THAT(spec("url: 'redis://r', framework: sidekiq, queues: [critical, default]").queues,
              ElementsAre("critical", "default"));
  EXPECT_EQ(spec("url: 'redis://r', list: 'my:jobs'").list, "my:jobs");
  const auto r = load("url: 'redis://me:secret@r/2', framework: rq, queues: [a, b]");
  ASSERT_TRUE(r.config);
  EXPECT_EQ(r.config->services.front().queue->identity, "redis 2 rq a and b");
  EXPECT_EQ(r.config->services.front().queue->shown, "redis://***@r/2 (a and b)");
}

TEST(RedisKeys, WhatIsWrongIsSaid) {
  EXPECT_THAT(mistake("url: 'redis://r'"), HasSubstr("which queue is missing; write stream: and group:"));
  EXPECT_THAT(mistake("url: 'redis://r', stream: s"), HasSubstr("a stream without a group"));
  EXPECT_THAT(mistake("url: 'redis://r', list: l, stream: s, group: g"),
              HasSubstr("both stream and list are written"));
  EXPECT_THAT(mistake("url: 'redis://r', list: l, queue: q"),
              HasSubstr("queue belongs to framework, which is not written"));
  EXPECT_THAT(mistake("url: 'redis://r', framework: bullmq"), HasSubstr("write queue:"));
  EXPECT_THAT(mistake("url: 'redis://r', framework: resque"),
              HasSubstr("allowed: celery, rq, sidekiq, bullmq, laravel"));
  EXPECT_THAT(mistake("url: 'redis://r', framework: rq, acks_late: true"),
              HasSubstr("acks_late is Celery's"));
  EXPECT_THAT(mistake("url: 'redis://r', framework: rq, key_prefix: 'app:'"),
              HasSubstr("RQ has no prefix of its keys; leave key_prefix out"));
  EXPECT_THAT(mistake("url: 'http://r', list: l"), HasSubstr("is not the address of a Redis server"));
  EXPECT_TRUE(load("url: 'redis://a,redis://b', list: l").config) << "servers of one cluster";
  EXPECT_THAT(mistake("url: 'redis://a/1,redis://b/1', list: l"), HasSubstr("url has several addresses"));
  EXPECT_THAT(mistake("url: 'redis://r', list: l, user: u"), HasSubstr("a user without a password"));
  EXPECT_THAT(mistake("url: 'redis://u:topsecret@r:0', list: l"), testing::Not(HasSubstr("topsecret")));
}

TEST(RedisKeys, WhatAQueueDoesNotTellTakesNoRuleAndNoObjective) {
  const std::string objective = "objective: {max_wait: 5s}";
  EXPECT_THAT(mistake("url: 'redis://r', framework: celery", objective),
              HasSubstr("tells neither with framework: celery without acks_late; write rules (on "
                        "queue.backlog) in its place"));
  for (const char* told : {"celery, acks_late: true", "rq", "sidekiq", "laravel"})
    EXPECT_TRUE(load(std::string("url: 'redis://r', framework: ") + told, objective).config) << told;
  EXPECT_TRUE(load("url: 'redis://r', list: l, in_flight_list: b", objective).config);
  EXPECT_TRUE(load("url: 'redis://r', stream: s, group: g", objective).config);
  EXPECT_TRUE(load("url: 'redis://r', framework: bullmq, queue: q", objective).config);
  const std::string in_hand = "rules: {scale_up_when: [{metric: queue.num_ack_pending, op: '>', value: 1}]}";
  EXPECT_THAT(mistake("url: 'redis://r', list: l", in_hand), HasSubstr("of a list without in_flight_list"));
  EXPECT_TRUE(load("url: 'redis://r', list: l, in_flight_list: b", in_hand).config);
  EXPECT_TRUE(load("url: 'redis://r', framework: rq", in_hand).config);
}

}  // namespace
}  // namespace docktor::redis_keys
