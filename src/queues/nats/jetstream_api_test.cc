#include "queues/nats/jetstream_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "queues/nats/server_version.h"

namespace docktor {
namespace {

using ::testing::ElementsAre;

// As nats-server 2.9.10 and 2.10.27 answered.
constexpr const char* kConsumer =
    R"({"type":"io.nats.jetstream.api.v1.consumer_info_response","stream_name":"E","name":"W",
 "created":"2026-11-22T16:42:04.676672199Z","config":{"durable_name":"W","deliver_policy":"all","ack_policy":"explicit",
 "ack_wait":1500000000,"max_deliver":3,"filter_subject":"e.a","replay_policy":"instant","max_waiting":512,"max_ack_pending":1000,
 "num_replicas":0,"inactive_threshold":5000000000},"delivered":{"consumer_seq":7,"stream_seq":9,"last_active":"2026-11-22T16:42:05Z"},
 "ack_floor":{"consumer_seq":2,"stream_seq":3},"num_ack_pending":5,"num_redelivered":1,"num_waiting":4,"num_pending":12})";

constexpr const char* kStream =
    R"({"type":"io.nats.jetstream.api.v1.stream_info_response","total":2,"offset":0,"limit":100000,
 "config":{"name":"E","subjects":["e.\u003e","f"],"retention":"workqueue","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,
 "max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"old","storage":"file","num_replicas":1,"duplicate_window":120000000000},
 "created":"2026-11-22T16:42:04.674874347Z","state":{"messages":8,"bytes":38,"first_seq":2,"last_seq":9,"num_subjects":3,
 "subjects":{"e.x":5,"e.y.z":2},"consumer_count":1}})";

StreamInfo stream_with(const std::string& config) {
  const auto r =
      parse_stream_info(R"({"created":"2026-11-22T16:42:04Z","config":{)" + config + R"(},"state":{}})");
  EXPECT_TRUE(r && r->value);
  return r && r->value ? *r->value : StreamInfo{};
}

TEST(JetStreamApi, ConsumerInfo) {
  const auto r = parse_consumer_info(kConsumer);
  ASSERT_TRUE(r && r->value);
  const ConsumerInfo& c = *r->value;
  EXPECT_EQ(c.created, "2026-11-22T16:42:04.676672199Z");
  EXPECT_EQ(c.durable_name, "W");
  EXPECT_EQ(c.deliver_subject, "");
  EXPECT_EQ(c.ack_policy, "explicit");
  EXPECT_EQ(c.ack_wait, std::chrono::milliseconds(1500));
  EXPECT_EQ(c.inactive_threshold, std::chrono::seconds(5));
  EXPECT_EQ(c.max_deliver, 3);
  EXPECT_EQ(c.max_ack_pending, 1000);
  EXPECT_THAT(c.filters, ElementsAre("e.a"));
  EXPECT_EQ(c.delivered_consumer_seq, 7u);
  EXPECT_EQ(c.delivered_stream_seq, 9u);
  EXPECT_EQ(c.ack_floor_consumer_seq, 2u);
  EXPECT_EQ(c.ack_floor_stream_seq, 3u);
  EXPECT_EQ(c.num_ack_pending, 5u);
  EXPECT_EQ(c.num_redelivered, 1u);
  EXPECT_EQ(c.num_waiting, 4u);
  EXPECT_EQ(c.num_pending, 12u);
}

TEST(JetStreamApi, SeveralFilters) {
  const auto r = parse_consumer_info(R"({"created":"x","config":{"filter_subjects":["a.*","b"]}})");
  ASSERT_TRUE(r && r->value);
  EXPECT_THAT(r->value->filters, ElementsAre("a.*", "b"));
}

TEST(JetStreamApi, StreamInfo) {
  const auto r = parse_stream_info(kStream);
  ASSERT_TRUE(r && r->value);
  const StreamInfo& s = *r->value;
  EXPECT_THAT(s.subjects, ElementsAre("e.>", "f"));
  EXPECT_EQ(s.duplicate_window, std::chrono::minutes(2));
  EXPECT_EQ(s.retention, Retention::kWorkQueue);
  EXPECT_FALSE(s.can_discard);
  EXPECT_EQ(s.messages, 8u);
  EXPECT_EQ(s.first_seq, 2u);
  EXPECT_EQ(s.last_seq, 9u);
  EXPECT_EQ(s.num_subjects, 3u);
  EXPECT_EQ(s.subject_messages, 7u);
  EXPECT_EQ(s.subjects_listed, 2u);
  EXPECT_EQ(s.subjects_total, 2u);
  EXPECT_FALSE(s.mirror);
}

TEST(JetStreamApi, WhatCanDiscard) {
  EXPECT_FALSE(stream_with("").can_discard);
  EXPECT_TRUE(stream_with(R"("max_age":86400000000000)").can_discard);
  EXPECT_TRUE(stream_with(R"("max_age":1,"discard":"new")").can_discard);
  EXPECT_TRUE(stream_with(R"("max_msgs":5,"discard":"old")").can_discard);
  EXPECT_TRUE(stream_with(R"("max_bytes":5)").can_discard);
  EXPECT_FALSE(stream_with(R"("max_msgs":5,"max_bytes":5,"discard":"new")").can_discard);
  EXPECT_TRUE(stream_with(R"("max_msgs_per_subject":1)").can_discard);
  EXPECT_TRUE(stream_with(R"("max_msgs_per_subject":1,"discard":"new")").can_discard);
  EXPECT_FALSE(
      stream_with(R"("max_msgs_per_subject":1,"discard":"new","discard_new_per_subject":true)").can_discard);
  EXPECT_TRUE(stream_with(R"("allow_rollup_hdrs":true)").can_discard);
  EXPECT_TRUE(stream_with(R"("allow_msg_ttl":true)").can_discard);
}

TEST(JetStreamApi, WhereAStreamTakesItsMessagesFrom) {
  const auto m = stream_with(R"("mirror":{"name":"IN","filter_subject":"in.a"})");
  ASSERT_TRUE(m.mirror);
  EXPECT_EQ(m.mirror->name, "IN");
  EXPECT_EQ(m.mirror->filter_subject, "in.a");
  EXPECT_FALSE(m.mirror->transforms || m.mirror->external || m.transforms);
  const auto s = stream_with(
      R"("subject_transform":{"src":"a","dest":"b"},"sources":[{"name":"A"},{"name":"B","subject_transforms":[{"src":"x","dest":"y"}]},
         {"name":"C","external":{"api":"$JS.c.API","deliver":""}}])");
  ASSERT_EQ(s.sources.size(), 3u);
  EXPECT_TRUE(s.transforms);
  EXPECT_FALSE(s.sources[0].transforms || s.sources[0].external);
  EXPECT_TRUE(s.sources[1].transforms && !s.sources[1].external);
  EXPECT_TRUE(s.sources[2].external && !s.sources[2].transforms);
}

TEST(JetStreamApi, Errors) {
  const auto c = parse_consumer_info(
      R"({"type":"io.nats.jetstream.api.v1.consumer_info_response","error":{"code":404,"err_code":10014,"description":"consumer not found"}})");
  ASSERT_TRUE(c && c->error);
  EXPECT_FALSE(c->value);
  EXPECT_EQ(c->error->code, 404);
  EXPECT_EQ(c->error->err_code, ApiError::kConsumerNotFound);
  EXPECT_EQ(c->error->description, "consumer not found");
  const auto s =
      parse_stream_info(R"({"error":{"code":404,"err_code":10059},"total":0,"offset":0,"limit":0})");
  ASSERT_TRUE(s && s->error);
  EXPECT_EQ(s->error->err_code, ApiError::kStreamNotFound);
}

TEST(JetStreamApi, NonsenseIsAnErrorAndNeverZeros) {
  for (const char* text :
       {"", "x", "{", "[]", "1", "{}", R"({"num_pending":5})", R"({"created":"x","config":)", "\xff\xfe"}) {
    EXPECT_FALSE(parse_consumer_info(text)) << text;
    EXPECT_FALSE(parse_stream_info(text)) << text;
  }
  EXPECT_FALSE(parse_consumer_info(std::string(100'000, '[')));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += R"({"a":)";
  EXPECT_FALSE(parse_consumer_info(deep));
}

TEST(JetStreamApi, ValuesOfTheWrongKindAreSkipped) {
  const auto r = parse_consumer_info(
      R"({"created":"x","num_pending":-3,"num_waiting":"4","config":{"ack_wait":null,"max_deliver":-1,
      "durable_name":5,"filter_subjects":{"a":"b"}},"delivered":[],"ack_floor":3})");
  ASSERT_TRUE(r && r->value);
  EXPECT_EQ(r->value->num_pending, 0u);
  EXPECT_EQ(r->value->num_waiting, 0u);
  EXPECT_EQ(r->value->max_deliver, -1);
  EXPECT_EQ(r->value->durable_name, "");
  EXPECT_EQ(r->value->filters.size(), 0u);
}

TEST(ServerVersion, InTheGreeting) {
  EXPECT_EQ(version_in_greeting(R"(INFO {"server_id":"N","version":"2.9.10","go":"x"} )"), "2.9.10");
  EXPECT_EQ(version_in_greeting("INFO {"), "");
  EXPECT_EQ(version_in_greeting("HTTP/1.1 400"), "");
  EXPECT_EQ(version_in_greeting(R"(INFO {"version":3})"), "");
}

}  // namespace
}  // namespace docktor
