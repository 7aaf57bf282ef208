#include "queues/rabbitmq/queue_figures.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

// As RabbitMQ 3.10.8 answers.
constexpr auto kClassic =
    R"({"arguments":{},"auto_delete":false,"effective_policy_definition":{},"exclusive":false,
        "head_message_timestamp":null,"message_stats":{"publish":20},"messages_ready":18,
        "messages_unacknowledged":2,"name":"mail","type":"classic"})";

TEST(QueueFigures, ReadsAClassicQueue) {
  const auto f = parse_queue(kClassic, "mail");
  ASSERT_TRUE(f) << f.error().message;
  EXPECT_EQ(f->type, "classic");
  EXPECT_EQ(f->ready, 18u);
  EXPECT_EQ(f->unacknowledged, 2u);
  ASSERT_TRUE(f->stats);
  EXPECT_EQ(*f->stats, (QueueFigures::Stats{20, std::nullopt, 0}));
  EXPECT_FALSE(f->leaderless);
  EXPECT_EQ(why_unfit_for_zero(*f, "mail"), "");
}

TEST(QueueFigures, WhatARestartedServerLacksIsAbsent) {
  const auto f = parse_queue(
      R"({"arguments":{},"auto_delete":false,"exclusive":false,"name":"q","type":"classic"})", "q");
  ASSERT_TRUE(f);
  EXPECT_FALSE(f->ready);
  EXPECT_FALSE(f->unacknowledged);
  EXPECT_FALSE(f->stats);
  const auto empty = parse_queue("[]", "q");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::kUnavailable);
}

TEST(QueueFigures, WhatIsNoCountIsAbsentAndNeverZero) {
  for (const auto* value : {"null", "\"7\"", "-1", "1.5", "1e300", "[]", "true", "99999999999999999999"}) {
    const auto text = std::string(R"({"name":"q","messages_ready":)") + value +
                      R"(,"message_stats":{"publish":1,"deliver_get":)" + value + "}}";
    const auto f = parse_queue(text, "q");
    ASSERT_TRUE(f) << value;
    EXPECT_FALSE(f->ready) << value;
    EXPECT_FALSE(f->stats) << value;
  }
}

TEST(QueueFigures, RubbishAndAnotherQueueAreErrors) {
  for (const auto* text : {"", "{", "7", "[1]", R"({"name":"other"})", R"({"error":"x"})", "null"})
    EXPECT_FALSE(parse_queue(text, "q")) << text;
  EXPECT_FALSE(parse_queues("{}"));
  EXPECT_FALSE(parse_queue(std::string(100'000, '['), "q"));
}

TEST(QueueFigures, AQuorumQueueWithoutLeader) {
  // The key `online` stands twice in what a leaderless queue shows.
  const auto f = parse_queue(
      R"({"name":"q","type":"quorum","leader":null,"online":[],"online":["a"],"messages_ready":500})", "q");
  ASSERT_TRUE(f);
  EXPECT_TRUE(f->leaderless);
  EXPECT_FALSE(parse_queue(R"({"name":"q","type":"quorum","leader":"x@localhost"})", "q")->leaderless);
}

TEST(QueueFigures, WhatMustNotGoToZeroSaysWhy) {
  const auto why = [](const std::string& fields) {
    return why_unfit_for_zero(*parse_queue(R"({"name":"q","type":"classic",)" + fields + "}", "q"), "q");
  };
  EXPECT_NE(why(R"("auto_delete":true)").find("auto_delete"), std::string::npos);
  EXPECT_NE(why(R"("exclusive":true)").find("exclusive"), std::string::npos);
  EXPECT_NE(why(R"("arguments":{"x-expires":600000})").find("unused for 10m"), std::string::npos);
  EXPECT_NE(why(R"("effective_policy_definition":{"expires":1500})").find("unused for 1.5s"),
            std::string::npos);
  EXPECT_EQ(why(R"("arguments":{"x-single-active-consumer":true})"), "");
}

TEST(QueueFigures, AListIsByName) {
  const auto all =
      parse_queues(std::string("[") + kClassic + R"(,{"name":"b","type":"stream"},7,{"type":"classic"}])");
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at("mail").ready, 18u);
  EXPECT_EQ(all->at("b").type, "stream");
}

}  // namespace
}  // namespace docktor
