// Queues in a cluster: found from any of its servers, followed when slots move and when a master is lost; what is not
// known is never 0.
#include "tests/redis/cluster.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "queues/redis/job_layouts.h"
#include "tests/redis/reader.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RedisSpec list_at(const std::string& url, const std::string& list, const std::string& in_flight = {}) {
  RedisSpec s;
  s.url = url;
  s.list = list;
  s.in_flight_list = in_flight;
  return s;
}

RedisSpec framework_at(const std::string& url, const std::string& name, const std::string& queue) {
  RedisSpec s;
  s.url = url;
  s.framework = name;
  s.queues = {queue};
  s.key_prefix = framework_named(name)->prefix;
  return s;
}

// One cluster for all tests that leave it whole.
class RedisClusterTest : public testing::Test {
 protected:
  static RedisCluster& cluster() {
    static RedisCluster shared;
    return shared;
  }
};

TEST_F(RedisClusterTest, AKeyIsFoundFromAnyServer) {
  auto& c = cluster();
  const auto stream = c.key_on(0, "events"), jobs = c.key_on(1, "jobs"), busy = c.key_on(2, "busy");
  EXPECT_EQ(c.cli("CLUSTER KEYSLOT " + stream), std::to_string(redis_slot(stream)));
  EXPECT_EQ(c.cli("CLUSTER KEYSLOT bull:{app}:wait"), std::to_string(redis_slot("bull:{app}:wait")));
  c.cli(fmt::format("XGROUP CREATE {} g 0 MKSTREAM", stream));
  for (int i = 0; i < 3; ++i) c.cli(fmt::format("XADD {} '*' a 1", stream));
  c.cli(fmt::format("RPUSH {} a b", jobs));
  c.cli(fmt::format("RPUSH {} c", busy));
  for (std::size_t from = 0; from < RedisCluster::kMasters; ++from) {
    RedisReader a(stream_at(c.url(from), stream, "g")), b(list_at(c.url(from), jobs, busy));
    for (int i = 0; i < 2; ++i) {  // as it is found out, and as it is known
      EXPECT_EQ(a.sample().num_pending, 3u);
      const auto s = b.sample();
      EXPECT_EQ(s.num_pending, 2u);
      EXPECT_EQ(s.num_ack_pending, 1u) << "on another server than what waits";
    }
    EXPECT_THAT(a.findings(), HasSubstr("ok: cluster, 3 masters: 127.0.0.1:"));
    EXPECT_THAT(a.findings(), HasSubstr("ok: group g exists: 3 waiting"));
  }
  // Several addresses: whichever server is there.
  RedisReader several(list_at(fmt::format("redis://127.0.0.1:1,{}", c.url(2)), jobs, busy));
  EXPECT_EQ(several.sample().num_pending, 2u);
}

TEST_F(RedisClusterTest, ValidateNamesKeysThatAFrameworkNeedsTogether) {
  auto& c = cluster();
  const auto mail = RedisReader(framework_at(c.url(0), "bullmq", "mail")).findings();
  EXPECT_THAT(mail, HasSubstr("warning: keys bull:mail:"));
  EXPECT_THAT(mail, HasSubstr("lie in different slots of the cluster"));
  EXPECT_THAT(
      mail, HasSubstr("write a hash tag into the prefix of BullMQ's queues and workers and into key_prefix: "
                      "\"{bull}\""));
  auto tagged = framework_at(c.url(0), "bullmq", "mail");
  tagged.key_prefix = "{bull}";
  EXPECT_THAT(RedisReader(tagged).findings(), Not(HasSubstr("different slots")));
  tagged.queues = {"mail", "reports"};
  EXPECT_THAT(RedisReader(tagged).findings(), Not(HasSubstr("different slots")));
  EXPECT_THAT(RedisReader(framework_at(c.url(0), "laravel", "{default}")).findings(),
              Not(HasSubstr("different slots")));
  EXPECT_THAT(RedisReader(framework_at(c.url(0), "rq", "default")).findings(),
              HasSubstr("use a Redis that is no cluster"));
  EXPECT_THAT(RedisReader(list_at(c.url(0) + "", "x")).findings(), Not(HasSubstr("different slots")));
}

TEST_F(RedisClusterTest, ADatabaseThatAClusterDoesNotHave) {
  EXPECT_THAT(RedisReader(list_at(cluster().nodes[0]->url(3), "x")).error(ErrorCode::kInvalid).message,
              HasSubstr("a cluster, which has only database 0: take the number out of queue.url"));
}

TEST_F(RedisClusterTest, ASlotThatMovesIsFollowedAndNothingIsTakenForEmpty) {
  auto& c = cluster();
  const auto jobs = c.key_on(0, "moving"), empty = c.key_on(0, "nothing");
  c.cli(fmt::format("RPUSH {} a b c", jobs));
  RedisReader reader(list_at(c.url(1), jobs)), of_nothing(list_at(c.url(1), empty));
  EXPECT_EQ(reader.sample().num_pending, 3u);
  EXPECT_EQ(of_nothing.sample().num_pending, 0u);
  // While it moves: not there yet, there and not yet its own, its own. Each reading tells all, or nothing at all.
  std::atomic<bool> end = false;
  std::atomic<int> right = 0, wrong = 0;
  std::thread looks([&] {
    RedisReader other(list_at(c.url(2), jobs));
    while (!end) {
      const auto r = other.read(std::chrono::seconds(5));
      if (r) ++(r->queue->num_pending == 3 ? right : wrong);
    }
  });
  for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{0, 2}, {2, 1}, {1, 0}}) {
    c.begin_move(jobs, from, to);
    EXPECT_EQ(reader.sample().num_pending, 3u);
    c.carry(jobs, from, to);
    EXPECT_EQ(reader.sample().num_pending, 3u) << "by ASK";
    c.end_move(jobs, to);
    EXPECT_EQ(reader.sample().num_pending, 3u) << "by MOVED";
  }
  c.begin_move(empty, 0, 1);
  EXPECT_EQ(of_nothing.sample().num_pending, 0u);
  c.end_move(empty, 1);
  EXPECT_EQ(of_nothing.sample().num_pending, 0u);
  end = true;
  looks.join();
  EXPECT_GT(right, 0);
  EXPECT_EQ(wrong, 0);
}

TEST_F(RedisClusterTest, ServersThatSendUsFromOneToTheNextAreNoData) {
  auto& c = cluster();
  const auto jobs = c.key_on(0, "circle");
  c.cli(fmt::format("RPUSH {} a b c", jobs));
  RedisReader reader(list_at(c.url(1), jobs));
  EXPECT_EQ(reader.sample().num_pending, 3u);
  // Migrating without anybody who imports: what is not there is asked for (ASK) there, which sends it back (MOVED).
  const auto missing = fmt::format("{{{}}}:other", jobs);
  c.nodes[0]->cli(fmt::format("CLUSTER SETSLOT {} MIGRATING {}", redis_slot(jobs), c.id(1)));
  RedisReader lost(list_at(c.url(1), missing));
  EXPECT_THAT(lost.error(ErrorCode::kUnavailable).message, HasSubstr("slots of the queue are being moved"));
  EXPECT_EQ(reader.sample().num_pending, 3u);
  c.nodes[0]->cli(fmt::format("CLUSTER SETSLOT {} STABLE", redis_slot(jobs)));
  EXPECT_EQ(lost.sample().num_pending, 0u);
}

TEST_F(RedisClusterTest, AWorkersStreamWakesWhereverItLies) {
  auto& c = cluster();
  std::vector<std::unique_ptr<RedisReader>> readers;
  std::atomic<int> woken = 0;
  for (std::size_t i = 0; i < RedisCluster::kMasters; ++i) {
    const auto stream = c.key_on(i, "wake");
    c.cli(fmt::format("XGROUP CREATE {} g 0 MKSTREAM", stream));
    readers.push_back(std::make_unique<RedisReader>(stream_at(c.url(0), stream, "g")));
    ASSERT_EQ(readers.back()->sample().num_pending, 0u);
    readers.back()->source().watch([&] { ++woken; });
  }
  for (std::size_t i = 0; i < RedisCluster::kMasters; ++i) {
    ASSERT_TRUE(
        eventually([&] { return c.nodes[i]->cli("CLIENT LIST").find("cmd=xread") != std::string::npos; }));
    c.cli(fmt::format("XADD {} '*' a 1", c.key_on(i, "wake")));
    EXPECT_TRUE(eventually([&] { return woken == static_cast<int>(i) + 1; }));
  }
  for (auto& r : readers) EXPECT_EQ(r->source().watch_gap(), "");
}

TEST_F(RedisClusterTest, WhatIsAskedOfARouterThatGoesIsAnsweredOnce) {
  auto& c = cluster();
  const auto slow = c.key_on(0, "slow"), quick = c.key_on(1, "quick");
  auto router = std::make_unique<RedisRouter>(RedisLoginOptions::from(list_at(c.url(1), slow)));
  ASSERT_TRUE(router->call({{"LLEN", slow}, {"LLEN", quick}}, kPatience));
  ASSERT_TRUE(router->call({{"LLEN", slow}, {"LLEN", quick}}, kPatience))
      << "by connections of their own now";
  c.nodes[0]->pause();
  std::atomic<int> answers = 0, failures = 0;
  for (int i = 0; i < 20; ++i) {
    router->send({{"LLEN", slow}, {"LLEN", quick}}, std::chrono::steady_clock::now() + kPatience,
                 [&](const Result<RedisAnswer>& r) {
                   ++answers;
                   failures += !r;
                 });
  }
  router.reset();
  c.nodes[0]->resume();
  EXPECT_EQ(answers, 20);
  EXPECT_EQ(failures, 20);
}

TEST_F(RedisClusterTest, RightsThatAreMissingAreNamed) {
  auto& c = cluster();
  const auto jobs = c.key_on(1, "right");
  c.cli(fmt::format("RPUSH {} a", jobs));
  for (auto& n : c.nodes)
    n->cli("ACL SETUSER reader on '>pw' '~*' +@read +ping +info '+cluster|slots' +asking");
  auto spec = list_at(c.url(0), jobs);
  spec.url = fmt::format("redis://reader:pw@{}", c.place(0));
  RedisReader reader(spec);
  EXPECT_EQ(reader.sample().num_pending, 1u) << "the credentials hold for all servers";
  EXPECT_THAT(reader.findings(), HasSubstr("ok: cluster, 3 masters"));
  for (auto& n : c.nodes) n->cli("ACL SETUSER reader '-cluster|slots'");
  RedisReader without(spec);
  EXPECT_EQ(without.sample().num_pending, 1u);
  EXPECT_EQ(without.sample().num_pending, 1u);
  EXPECT_THAT(without.findings(), HasSubstr("warning: cluster, and this user may not use CLUSTER SLOTS"));
  for (auto& n : c.nodes) n->cli("ACL DELUSER reader");
}

TEST(RedisClusterFailoverTest, NothingIsKnownUntilAnotherServerIsTheMaster) {
  RedisCluster c(true);
  const auto followed = c.key_on(0, "followed"), gone = c.key_on(1, "gone"), stays = c.key_on(2, "stays");
  for (const auto& key : {followed, gone, stays}) c.cli(fmt::format("RPUSH {} a b", key));
  ASSERT_TRUE(eventually([&] { return c.nodes[3]->cli("DBSIZE") == "1"; }));
  // The first address is that of the master that is lost: what the others told is enough then.
  RedisReader a(list_at(c.url(0), followed)), b(list_at(c.url(1), gone)), d(list_at(c.url(1), stays));
  for (auto* r : {&a, &b, &d}) {
    EXPECT_EQ(r->sample().num_pending, 2u);
    EXPECT_EQ(r->sample().num_pending, 2u);
  }
  c.nodes[0]->kill();
  EXPECT_THAT(a.error(ErrorCode::kUnavailable).message, HasSubstr(c.place(0)));
  EXPECT_EQ(d.sample().num_pending, 2u);
  ASSERT_TRUE(eventually([&] {
    const auto r = a.read(std::chrono::seconds(2));
    EXPECT_TRUE(!r || r->queue->num_pending == 2) << "never 0";
    return r.has_value();
  }));
  EXPECT_THAT(c.nodes[3]->cli("ROLE"), HasSubstr("master"));
  // Without a replica nobody has its slots: no data, until it is back.
  c.nodes[1]->kill();
  (void)b.error(ErrorCode::kUnavailable);
  for (int i = 0; i < 20; ++i) {
    const auto r = b.read(std::chrono::milliseconds(500));
    EXPECT_FALSE(r) << r->queue->num_pending;
  }
  EXPECT_EQ(a.sample().num_pending, 2u);
  c.nodes[1]->start();
  EXPECT_EQ(b.sample().num_pending, 2u);
  c.nodes[0]->start();  // as a replica of the one that took over
  ASSERT_TRUE(eventually([&] { return c.nodes[0]->cli("ROLE").find("slave") != std::string::npos; }));
  EXPECT_EQ(a.sample().num_pending, 2u);
  EXPECT_EQ(RedisReader(list_at(c.url(0), followed)).sample().num_pending, 2u) << "asked from a replica";
}

TEST(RedisClusterFailoverTest, AMasterThatStandsStillIsATimeoutAndThenAnotherOne) {
  RedisCluster c(true);
  const auto jobs = c.key_on(0, "jobs");
  c.cli(fmt::format("RPUSH {} a b", jobs));
  ASSERT_TRUE(eventually([&] { return c.nodes[3]->cli("DBSIZE") == "1"; }));
  RedisReader reader(list_at(c.url(0), jobs));
  EXPECT_EQ(reader.sample().num_pending, 2u);
  EXPECT_EQ(reader.sample().num_pending, 2u);
  c.nodes[0]->pause();
  const auto r = reader.read(std::chrono::milliseconds(300));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kTimeout);
  ASSERT_TRUE(eventually([&] {
    const auto s = reader.read(std::chrono::seconds(2));
    EXPECT_TRUE(!s || s->queue->num_pending == 2);
    return s.has_value();
  }));
  EXPECT_THAT(c.nodes[3]->cli("ROLE"), HasSubstr("master"));
  c.nodes[0]->resume();
}

TEST(RedisClusterTlsTest, EachServerIsAskedByTlsAlsoWhereASlotHasMoved) {
  TempDir dir;
  const TestCertificates pki(dir);
  RedisCluster c(pki);
  const auto jobs = c.key_on(0, "jobs"), busy = c.key_on(2, "busy");
  c.cli(fmt::format("RPUSH {} a b", jobs));
  c.cli(fmt::format("RPUSH {} c", busy));
  auto spec = list_at(c.url(1), jobs, busy);
  spec.tls_ca_file = pki.ca;
  RedisReader reader(spec);
  const auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 2u);
  EXPECT_EQ(s.num_ack_pending, 1u);
  c.begin_move(busy, 2, 1);
  EXPECT_EQ(c.nodes[2]->cli(fmt::format("MIGRATE 127.0.0.1 {} {} 0 5000", c.nodes[1]->port(), busy)), "OK");
  EXPECT_EQ(reader.sample().num_ack_pending, 1u);
  c.end_move(busy, 1);
  EXPECT_EQ(reader.sample().num_ack_pending, 1u);
  spec.tls_ca_file.clear();
  EXPECT_THAT(RedisReader(spec).error(ErrorCode::kDenied).message, HasSubstr("no TLS connection"));
}

TEST(RedisNoClusterTest, OneServerIsAsBefore) {
  RedisServer server;
  server.cli("RPUSH jobs a b");
  RedisReader reader(list_at(server.url(), "jobs"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reader.sample().num_pending, 2u);
  EXPECT_THAT(reader.findings(), Not(HasSubstr("cluster")));
  EXPECT_THAT(server.cli("INFO clients"), HasSubstr("connected_clients:2"));  // ours and redis-cli's
  EXPECT_THAT(server.cli("INFO commandstats"), Not(HasSubstr("cmdstat_cluster")));
}

TEST(RedisNoClusterTest, SeveralAddressesOfServersThatAreNoClusterAreRefused) {
  RedisServer server;
  EXPECT_THAT(RedisReader(list_at(fmt::format("{},redis://127.0.0.1:1", server.url()), "jobs"))
                  .error(ErrorCode::kInvalid)
                  .message,
              HasSubstr("is no cluster, and queue.url has several addresses: write one; or queue.sentinel"));
}

}  // namespace
}  // namespace docktor::test
