// Sentinels name the master, and the next one after a failover.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/redis/reader.h"

namespace docktor::test {
namespace {

TEST(RedisSentinelTest, TheMasterIsFollowedThroughAFailover) {
  RedisServer master({.arguments = {"--repl-diskless-sync-delay", "0"}});
  RedisServer replica({.arguments = {"--replicaof", "127.0.0.1", std::to_string(master.port())}});
  master.cli("XGROUP CREATE events g 0 MKSTREAM");
  master.cli("XADD events '*' a 1");
  ASSERT_TRUE(eventually([&] { return replica.cli("XLEN events") == "1"; }));
  RedisServer sentinel({.sentinel = true,
                        .config = fmt::format("sentinel monitor jobs 127.0.0.1 {} 1\n"
                                              "sentinel down-after-milliseconds jobs 1000\n"
                                              "sentinel failover-timeout jobs 3000\n",
                                              master.port())});
  auto spec = stream_at(fmt::format("redis://127.0.0.1:{}", sentinel.port()), "events", "g");
  spec.sentinel = "other";
  EXPECT_THAT(RedisReader(spec).error(ErrorCode::kNotFound).message,
              testing::HasSubstr("knows no master \"other\""));
  spec.sentinel = "jobs";
  RedisReader reader(spec);
  EXPECT_EQ(reader.sample().num_pending, 1u);
  ASSERT_TRUE(eventually([&] {
    return sentinel.cli("SENTINEL replicas jobs").find(std::to_string(replica.port())) != std::string::npos;
  }));
  master.kill();
  (void)reader.error(ErrorCode::kUnavailable);
  EXPECT_EQ(reader.sample().num_pending, 1u);
  EXPECT_THAT(reader.findings(), testing::HasSubstr(fmt::format("127.0.0.1:{} answers", replica.port())));
}

}  // namespace
}  // namespace docktor::test
