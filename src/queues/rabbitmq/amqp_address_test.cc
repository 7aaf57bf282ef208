#include "queues/rabbitmq/amqp_address.h"

#include <gtest/gtest.h>

namespace docktor {
namespace {

TEST(AmqpAddress, TakesAllPartsApart) {
  const auto a = parse_amqp_address("amqps://us%40er:p%3A%2Fw@rabbit.example:5999/%2Fjobs");
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_TRUE(a->tls);
  EXPECT_EQ(a->host, "rabbit.example");
  EXPECT_EQ(a->port, 5999);
  EXPECT_EQ(a->user, "us@er");
  EXPECT_EQ(a->password, "p:/w");
  EXPECT_EQ(a->vhost, "/jobs");
}

TEST(AmqpAddress, WhatIsNotWrittenIsNotThere) {
  for (const auto* url : {"amqp://host", "amqp://host/"}) {
    const auto a = parse_amqp_address(url);
    ASSERT_TRUE(a) << a.error().message;
    EXPECT_FALSE(a->tls);
    EXPECT_EQ(a->host, "host");
    EXPECT_EQ(a->port, 5672);
    EXPECT_EQ(a->user + a->password + a->vhost, "");
  }
  EXPECT_EQ(parse_amqp_address("amqps://host")->port, 5671);
  EXPECT_EQ(parse_amqp_address("amqp://[::1]:5673/v")->host, "::1");
}

TEST(AmqpAddress, RefusesWithoutRepeatingThePassword) {
  for (const auto* url :
       {"http://u:secret@h", "u:secret@h:5672", "amqp://u:secret@h:port", "amqp://u:secret@h:70000",
        "amqp://u:secret@a,b", "amqp://u:secret@h/v?heartbeat=5", "amqp://"}) {
    const auto a = parse_amqp_address(url);
    ASSERT_FALSE(a) << url;
    EXPECT_EQ(a.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(a.error().message.find("secret"), std::string::npos) << a.error().message;
  }
}

}  // namespace
}  // namespace docktor
