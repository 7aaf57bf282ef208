// The keys of kind kafka: what is refused, with the words, and what they mean.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queues/kafka/kafka_spec.h"
#include "tests/config/test_files.h"

namespace docktor::kafka_keys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kObjective = "objective: {max_wait: 5s}";

LoadResult load(const std::string& keys, const std::string& policy = kObjective) {
  return load_text(
      "services:\n  - name: a\n    max_replicas: 3\n    target: {kind: process, command: [w]}\n    queue: "
      "{kind: kafka, " +
      keys + "}\n    " + policy + "\n");
}

std::string mistake(const std::string& keys, const std::string& policy = kObjective) {
  const auto r = load(keys, policy);
  return r.mistakes.size() == 1
             ? r.mistakes.front()
             : fmt::format("{} mistakes: {}", r.mistakes.size(), fmt::join(r.mistakes, " | "));
}

KafkaSpec spec(const std::string& keys) {
  const auto r = load(keys);
  EXPECT_TRUE(r.config) << fmt::format("{}", fmt::join(r.mistakes, " | "));
  return r.config ? KafkaSpec::from(r.config->services.front().queue->settings) : KafkaSpec{};
}

TEST(KafkaKeys, TheLeastAndWhatItMeans) {
  const auto least = spec("url: 'k:9092', topic: orders, group: billing");
  EXPECT_THAT(least.topics, ElementsAre("orders"));
  EXPECT_FALSE(least.earliest || least.read_uncommitted || least.tls);
  const auto more = spec(
      "url: 'k1,[::1]:9093,k2:1', topics: [b, a], group: g, offset_reset: earliest, isolation: "
      "read_uncommitted, user: u, password: p, sasl_mechanism: scram-sha-512, tls: {verify: false}");
  EXPECT_THAT(more.topics, ElementsAre("a", "b"));
  EXPECT_TRUE(more.earliest && more.read_uncommitted && more.tls && !more.tls_verify);
  EXPECT_TRUE(spec("url: 'k', topic: t, group: g, tls: {enabled: true}").tls);
  const auto r = load("url: 'k:1', topics: [b, a], group: g, user: me, password: hidden");
  ASSERT_TRUE(r.config);
  EXPECT_EQ(r.config->services.front().queue->identity, "kafka g on a and b");
  EXPECT_EQ(r.config->services.front().queue->shown, "k:1 (g on a and b)");
}

TEST(KafkaKeys, WhatIsWrongIsSaid) {
  EXPECT_THAT(mistake("url: 'k:1', group: g"), HasSubstr("which topic is missing; write topic:"));
  EXPECT_THAT(mistake("url: 'k:1', topic: t"), HasSubstr("group"));
  EXPECT_THAT(mistake("url: 'k:1', topic: t, topics: [u], group: g"), HasSubstr("both topic and topics"));
  EXPECT_THAT(mistake("url: 'k:1', topics: [t, t], group: g"), HasSubstr("topic t stands there twice"));
  EXPECT_THAT(mistake("url: 'k:1', topic: 'logs.*', group: g"), HasSubstr("is no name of a topic"));
  EXPECT_THAT(mistake("url: 'kafka://k:1', topic: t, group: g"),
              HasSubstr("write HOST:PORT, and tls: {enabled: true}"));
  for (const std::string url : {"k:0", "k:66000", "k:x", ":9092", "k,,l", "k l", "::1"})
    EXPECT_THAT(mistake("url: '" + url + "', topic: t, group: g"), HasSubstr("must be HOST:PORT")) << url;
  const auto secret = mistake("url: 'me:hidden@k:1', topic: t, group: g");
  EXPECT_THAT(secret, HasSubstr("url carries a user"));
  EXPECT_THAT(secret, Not(HasSubstr("hidden")));
  EXPECT_THAT(mistake("url: k, topic: t, group: g, user: u"), HasSubstr("a user without a password"));
  EXPECT_THAT(mistake("url: k, topic: t, group: g, password: p"), HasSubstr("a password without a user"));
  EXPECT_THAT(mistake("url: k, topic: t, group: g, sasl_mechanism: plain"),
              HasSubstr("sasl_mechanism without a user"));
  EXPECT_THAT(mistake("url: k, topic: t, group: g, tls: {enabled: false, verify: true}"),
              HasSubstr("TLS is switched off by tls.enabled"));
  EXPECT_THAT(mistake("url: k, topic: t, group: g, stream: s"), HasSubstr("stream is a key of kind"));
  EXPECT_THAT(mistake("url: k, topic: t, group: g",
                      "rules: {scale_up_when: [{metric: queue.num_ack_pending, op: '>', value: 1}]}"),
              HasSubstr("a queue of kind kafka does not tell queue.num_ack_pending"));
}

}  // namespace
}  // namespace docktor::kafka_keys
