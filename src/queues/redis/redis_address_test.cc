#include "queues/redis/redis_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace docktor {
namespace {

RedisAddress one(const std::string& text) {
  const auto all = parse_redis_url(text);
  EXPECT_TRUE(all) << (all ? "" : all.error().message);
  return all ? all->front() : RedisAddress{};
}

std::string wrong(const std::string& text) {
  const auto all = parse_redis_url(text);
  return all ? "nothing wrong" : all.error().message;
}

TEST(RedisAddressTest, AsPeopleWriteThem) {
  const auto full = one("redis://app:p%40ss@redis:6380/3");
  EXPECT_EQ(full.place(), "redis:6380");
  EXPECT_EQ(full.user, "app");
  EXPECT_EQ(full.password.value, "p@ss");
  EXPECT_EQ(full.db, 3);
  EXPECT_FALSE(full.tls);
  EXPECT_EQ(one("redis").place(), "redis:6379");
  EXPECT_EQ(one("REDIS://redis/").db, 0);
  EXPECT_EQ(one("redis://:secret@h").password.value, "secret");
  EXPECT_EQ(one("redis://secret@h").password.value, "secret");
  EXPECT_EQ(one("redis://h?db=2").db, 2);
  EXPECT_TRUE(one("rediss://h").tls);
  EXPECT_EQ(one("redis://[::1]:7000").place(), "[::1]:7000");
  EXPECT_EQ(one("unix:///run/redis.sock?db=1").place(), "/run/redis.sock");
  EXPECT_EQ(one("unix:///run/redis.sock?db=1").db, 1);
  EXPECT_EQ(one("unix://:pw@/run/r.sock?db=1").place(), "/run/r.sock");
  EXPECT_EQ(one("unix://:pw@/run/r.sock?db=1").db, 1);
  EXPECT_EQ(one("unix://u:longpassword@/s?db=1").place(), "/s");
  EXPECT_EQ(one("unix://u:longpassword@/s?db=1").password.value, "longpassword");
  EXPECT_EQ(one("unix://u:longpassword@/s?db=1").db, 1);
  const auto several = parse_redis_url("redis://:pw@a:1, redis://b:2/4,");
  ASSERT_TRUE(several);
  ASSERT_EQ(several->size(), 2u);
  EXPECT_EQ((*several)[1].password.value, "pw");
  EXPECT_EQ((*several)[0].db, 4);
}

TEST(RedisAddressTest, WhatIsWrongIsSaidAndNotRepeated) {
  EXPECT_THAT(wrong(""), testing::HasSubstr("it is empty"));
  EXPECT_THAT(wrong("http://h"), testing::HasSubstr("another scheme"));
  EXPECT_THAT(wrong("redis://h:99999"), testing::HasSubstr("from 1 to 65535"));
  EXPECT_THAT(wrong("redis://h:"), testing::HasSubstr("no port stands behind the colon"));
  EXPECT_THAT(wrong("redis://h/jobs"), testing::HasSubstr("the number of a database"));
  EXPECT_THAT(wrong("redis://$HOST"), testing::HasSubstr("a variable is written ${NAME}"));
  EXPECT_THAT(wrong("redis://::1:6379"), testing::HasSubstr("in brackets"));
  EXPECT_THAT(wrong("redis://u:topsecret@"), testing::Not(testing::HasSubstr("topsecret")));
}

}  // namespace
}  // namespace docktor
