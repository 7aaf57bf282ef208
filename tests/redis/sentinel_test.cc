// Sentinels name the master, and the next one after a failover.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/redis/reader.h"
#include "tests/support/free_port.h"
#include "tests/support/test_pki.h"

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
  EXPECT_TRUE(eventually([&] {
    const auto r = reader.read();
    if (r) {
      EXPECT_EQ(r->queue->num_pending, 1u) << "no data, or what waits";
    }
    return r.has_value();
  }));
  EXPECT_TRUE(replica.cli("ROLE").starts_with("master"));
  // The one before comes back as a replica of the new one, and is not asked any more.
  master.start();
  replica.cli("XADD events '*' a 1");
  EXPECT_TRUE(eventually([&] { return master.cli("ROLE").starts_with("slave"); }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(reader.sample().num_pending, 2u);
  EXPECT_THAT(reader.findings(), testing::HasSubstr(fmt::format("127.0.0.1:{} answers", replica.port())));
}

TEST(RedisSentinelTest, ItHasAPasswordOfItsOwnAndTlsAndAnotherOneIsDead) {
  TempDir dir;
  const TestCertificates pki(dir);
  const auto server = [&](RedisServer::Options o) {
    o.tls = true;
    o.cli_flags = "--tls --insecure";
    o.arguments.insert(o.arguments.end(), {"--tls-cert-file", pki.server_cert, "--tls-key-file",
                                           pki.server_key, "--tls-ca-cert-file", pki.ca, "--tls-auth-clients",
                                           "no", "--tls-replication", "yes"});
    return o;
  };
  RedisServer master(server({.arguments = {"--requirepass", "of-master"}}));
  master.cli("XGROUP CREATE events g 0 MKSTREAM", "-a of-master");
  master.cli("XADD events '*' a 1", "-a of-master");
  const auto watches =
      fmt::format("sentinel monitor jobs 127.0.0.1 {} 1\nsentinel auth-pass jobs of-master\n", master.port());
  RedisServer sentinel(server({.sentinel = true, .config = watches + "requirepass of-sentinel\n"}));
  const auto spec = [&](const std::string& sentinels_password) {
    auto s = stream_at(fmt::format("rediss://{0}127.0.0.1:{1},rediss://{0}127.0.0.1:{2}",
                                   sentinels_password.empty() ? "" : ":" + sentinels_password + "@",
                                   free_port(), sentinel.port()),
                       "events", "g");
    s.sentinel = "jobs";
    s.password.value = "of-master";
    s.tls_ca_file = pki.ca;
    return s;
  };
  EXPECT_EQ(RedisReader(spec("of-sentinel")).sample().num_pending, 1u);
  EXPECT_THAT(RedisReader(spec("wrong")).error(ErrorCode::kDenied).message,
              testing::HasSubstr(fmt::format(
                  "the sentinel at 127.0.0.1:{} refused the credentials: write its own before its address",
                  sentinel.port())));
  EXPECT_THAT(RedisReader(spec("")).error(ErrorCode::kDenied).message,
              testing::HasSubstr("refused the credentials"));
  // One password for all, and none for the sentinel.
  RedisServer alike(server({.sentinel = true, .config = watches + "requirepass of-master\n"}));
  RedisServer open(server({.sentinel = true, .config = watches}));
  for (const auto* which : {&alike, &open}) {
    auto s = spec("");
    s.url = fmt::format("rediss://127.0.0.1:{}", which->port());
    EXPECT_EQ(RedisReader(s).sample().num_pending, 1u);
  }
}

}  // namespace
}  // namespace docktor::test
