#include "queues/nats/jetstream_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "queues/nats/server_version.h"

namespace docktor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

// A whole answer with other values: `more` is merged into it.
nlohmann::json consumer_with(const nlohmann::json& more) {
  auto j = nlohmann::json::parse(kConsumer);
  j.merge_patch(more);
  return j;
}

Result<ApiAnswer<ConsumerInfo>> consumer(std::string_view text) {
  return parse_consumer_info(text, "E", "W");
}

StreamInfo stream_with(const std::string& config) {
  const auto r = parse_stream_info(R"({"created":"2026-11-22T16:42:04Z","config":{)" + config +
                                       R"(},"state":{"messages":0,"first_seq":1,"last_seq":0}})",
                                   "");
  EXPECT_TRUE(r && r->value);
  return r && r->value ? *r->value : StreamInfo{};
}

TEST(JetStreamApi, ConsumerInfo) {
  const auto r = consumer(kConsumer);
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
  const auto r = consumer(
      consumer_with({{"config", {{"filter_subject", nullptr}, {"filter_subjects", {"a.*", "b"}}}}}).dump());
  ASSERT_TRUE(r && r->value);
  EXPECT_THAT(r->value->filters, ElementsAre("a.*", "b"));
}

TEST(JetStreamApi, StreamInfo) {
  const auto r = parse_stream_info(kStream, "E");
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
  const auto c = consumer(
      R"({"type":"io.nats.jetstream.api.v1.consumer_info_response","error":{"code":404,"err_code":10014,"description":"consumer not found"}})");
  ASSERT_TRUE(c && c->error);
  EXPECT_FALSE(c->value);
  EXPECT_EQ(c->error->code, 404);
  EXPECT_EQ(c->error->err_code, ApiError::kConsumerNotFound);
  EXPECT_EQ(c->error->description, "consumer not found");
  const auto s =
      parse_stream_info(R"({"error":{"code":404,"err_code":10059},"total":0,"offset":0,"limit":0})", "E");
  ASSERT_TRUE(s && s->error);
  EXPECT_EQ(s->error->err_code, ApiError::kStreamNotFound);
}

TEST(JetStreamApi, NonsenseIsAnErrorAndNeverZeros) {
  for (const char* text :
       {"", "x", "{", "[]", "1", "{}", R"({"num_pending":5})", R"({"created":"x","config":)", "\xff\xfe"}) {
    EXPECT_FALSE(parse_consumer_info(text, "", "")) << text;
    EXPECT_FALSE(parse_stream_info(text, "")) << text;
  }
  EXPECT_FALSE(consumer(std::string(100'000, '[')));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += R"({"a":)";
  EXPECT_FALSE(consumer(deep));
}

// Each count that a decision may rest on, in each way in which it can be none.
TEST(JetStreamApi, ACountThatIsAbsentOrNoCountIsAnErrorAndNeverZero) {
  for (const char* field :
       {"/num_pending", "/num_ack_pending", "/num_redelivered", "/num_waiting", "/delivered/consumer_seq",
        "/delivered/stream_seq", "/ack_floor/consumer_seq", "/ack_floor/stream_seq"}) {
    const nlohmann::json::json_pointer at(field);
    for (const char* value : {"null", "-5", "\"5000\"", "5000.0", "0.5", "1e3", "true", "[0]", "[]", "{}",
                              "18446744073709551615", "99999999999999999999999"}) {
      auto j = nlohmann::json::parse(kConsumer);
      j[at] = nlohmann::json::parse(value);
      const auto r = consumer(j.dump());
      ASSERT_FALSE(r) << j;
      EXPECT_EQ(r.error().code, ErrorCode::kInternal);
    }
    auto j = nlohmann::json::parse(kConsumer);
    j.at(at.parent_pointer()).erase(at.back());
    const auto r = consumer(j.dump());
    ASSERT_FALSE(r) << j;
    EXPECT_THAT(r.error().message, HasSubstr("has no "));
    EXPECT_THAT(r.error().message, HasSubstr(at.back()));
  }
  EXPECT_FALSE(consumer(R"({"created":"2026-11-22T16:42:04Z","stream_name":"E","name":"W"})"));
  for (const char* part : {"delivered", "ack_floor"}) {
    for (const char* value : {"null", "[]", "3", "{}"}) {
      auto j = nlohmann::json::parse(kConsumer);
      j[part] = nlohmann::json::parse(value);
      EXPECT_FALSE(consumer(j.dump())) << j;
    }
  }
}

TEST(JetStreamApi, AStreamsCountsAreAsStrict) {
  for (const char* field :
       {"/state/messages", "/state/first_seq", "/state/last_seq", "/state/subjects/e.x"}) {
    for (const char* value : {"-1", "\"8\"", "8.0", "[8]", "18446744073709551615"}) {
      auto j = nlohmann::json::parse(kStream);
      j[nlohmann::json::json_pointer(field)] = nlohmann::json::parse(value);
      EXPECT_FALSE(parse_stream_info(j.dump(), "E")) << j;
    }
  }
  EXPECT_FALSE(parse_stream_info(R"({"created":"x","config":{"name":"E"},"state":{}})", "E"));
  EXPECT_FALSE(parse_stream_info(R"({"created":"x","config":{"name":"E"}})", "E"));
}

TEST(JetStreamApi, AnAnswerAboutAnotherConsumerOrStreamIsAnError) {
  EXPECT_FALSE(parse_consumer_info(kConsumer, "E", "X"));
  EXPECT_FALSE(parse_consumer_info(kConsumer, "F", "W"));
  EXPECT_FALSE(consumer(consumer_with({{"name", nullptr}}).dump()));
  EXPECT_FALSE(parse_stream_info(kStream, "F"));
}

TEST(JetStreamApi, ValuesOfTheWrongKindAreAnError) {
  for (const char* more : {R"({"config":{"ack_wait":"30s"}})", R"({"config":{"ack_wait":-1}})",
                           R"({"config":{"max_deliver":"3"}})", R"({"config":{"durable_name":5}})",
                           R"({"paused":"true"})", R"({"created":7})"})
    EXPECT_FALSE(consumer(consumer_with(nlohmann::json::parse(more)).dump())) << more;
  const auto r = consumer(consumer_with({{"config", {{"ack_wait", nullptr}}}}).dump());
  ASSERT_TRUE(r && r->value) << "what is not told is not wrong";
  EXPECT_EQ(r->value->ack_wait, std::chrono::seconds(30));
}

TEST(JetStreamApi, APause) {
  const auto paused = [](const char* more) {
    auto r = consumer(consumer_with(nlohmann::json::parse(more)).dump());
    EXPECT_TRUE(r && r->value) << more;
    return r && r->value ? *r->value : ConsumerInfo{};
  };
  const auto c = paused(R"({"paused":true,"config":{"pause_until":"2030-01-02T03:04:05.678Z"}})");
  EXPECT_TRUE(c.paused);
  EXPECT_EQ(c.pause_until, "2030-01-02T03:04:05Z");
  EXPECT_FALSE(paused("{}").paused);
  EXPECT_EQ(paused(R"({"paused":true,"config":{"pause_until":"\u001b[2Kforged"}})").pause_until, "");
}

TEST(ServerVersion, InTheGreeting) {
  EXPECT_EQ(version_in_greeting(R"(INFO {"server_id":"N","version":"2.9.10","go":"x"} )"), "2.9.10");
  EXPECT_EQ(version_in_greeting("INFO {"), "");
  EXPECT_EQ(version_in_greeting("HTTP/1.1 400"), "");
  EXPECT_EQ(version_in_greeting(R"(INFO {"version":3})"), "");
}

}  // namespace
}  // namespace docktor
