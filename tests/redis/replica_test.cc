// Servers that write nothing and servers that are replicas: what is read from them, what is told, and that nothing is ever
// written.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "queues/redis/job_layouts.h"
#include "tests/redis/reader.h"

namespace docktor::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

void make_one(const RedisServer& server) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM");
  server.cli("XADD events '*' a 1");
}
RedisSpec stream_of(const RedisServer& server) { return stream_at(server.url(), "events", "g"); }
std::string note_of(RedisReader& reader) {
  const auto r = reader.read();
  return r ? r->note : "no reading: " + r.error().message;
}
void demote(const RedisServer& server, const RedisServer& master) {
  server.cli(fmt::format("REPLICAOF 127.0.0.1 {}", master.port()));
}
bool follows(const RedisServer& server) {
  return eventually(
      [&] { return server.cli("INFO replication").find("master_link_status:up") != std::string::npos; });
}
const RedisServer::Options kQuick{.arguments = {"--repl-diskless-sync-delay", "0"}};

TEST(RedisReplicaTest, AMasterThatIsMadeAReplicaUnderUsIsReadOnAndTold) {
  RedisServer server(kQuick), next(kQuick);
  make_one(server);
  make_one(next);
  next.cli("XADD events '*' a 2");
  RedisReader reader(stream_of(server));
  EXPECT_EQ(reader.sample().num_pending, 1u);
  EXPECT_EQ(note_of(reader), "");
  demote(server, next);
  ASSERT_TRUE(follows(server));
  EXPECT_EQ(reader.with_backlog(2).num_pending, 2u) << "what the new master has";
  EXPECT_TRUE(eventually([&] { return !note_of(reader).empty(); })) << "it is asked once a second";
  EXPECT_THAT(note_of(reader),
              AllOf(HasSubstr(fmt::format("127.0.0.1:{} was a master until", server.port())),
                    HasSubstr(fmt::format("is a replica of 127.0.0.1:{} now", next.port())),
                    HasSubstr("write the master's address in queue.url, or the sentinels'")));
  server.cli("REPLICAOF NO ONE");
  EXPECT_TRUE(eventually([&] { return note_of(reader).empty(); }));
}

TEST(RedisReplicaTest, AReplicaWithoutItsMasterIsNoData) {
  RedisServer master(kQuick), server(kQuick);
  make_one(master);
  demote(server, master);
  ASSERT_TRUE(follows(server));
  RedisReader reader(stream_of(server));
  EXPECT_EQ(reader.sample().num_pending, 1u) << "one who names a replica wants it";
  EXPECT_EQ(note_of(reader), "");
  EXPECT_THAT(reader.findings(), HasSubstr("is a replica: what it tells may be late"));
  master.kill();
  EXPECT_THAT(
      reader.error(ErrorCode::kUnavailable).message,
      HasSubstr(fmt::format("127.0.0.1:{} is a replica that has no connection to its master 127.0.0.1:{}",
                            server.port(), master.port())));
  RedisReader late(stream_of(server));
  EXPECT_THAT(late.error(ErrorCode::kUnavailable).message, HasSubstr("no connection to its master"));
  EXPECT_THAT(late.findings(), HasSubstr("error: 127.0.0.1"));
  master.start();
  EXPECT_EQ(reader.sample().num_pending, 1u);
  EXPECT_EQ(late.sample().num_pending, 1u);
}

// By hand, so that no connection is cut: the sentinels go on naming the one that they know.
TEST(RedisReplicaTest, BehindSentinelsAReplicaIsNeverRead) {
  RedisServer master(kQuick), other(kQuick);
  make_one(master);
  RedisServer sentinel(
      {.sentinel = true,
       .config =
           fmt::format("sentinel monitor jobs 127.0.0.1 {} 1\nsentinel down-after-milliseconds jobs 60000\n",
                       master.port())});
  auto spec = stream_at(fmt::format("redis://127.0.0.1:{}", sentinel.port()), "events", "g");
  spec.sentinel = "jobs";
  RedisReader reader(spec);
  EXPECT_EQ(reader.sample().num_pending, 1u);
  demote(master, other);
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("replica"));
  master.cli("REPLICAOF NO ONE");
  make_one(master);
  EXPECT_EQ(reader.with_backlog(1).num_pending, 1u);
}

TEST(RedisReplicaTest, AServerThatTakesNoWritesIsReadAsItIs) {
  RedisServer server;
  make_one(server);
  server.cli("RPUSH rq:queue:default a b");
  RedisReader stream(stream_of(server));
  RedisSpec rq;
  rq.url = server.url();
  rq.framework = "rq";
  rq.queues = {"default"};
  RedisReader list(rq);
  EXPECT_EQ(stream.sample().num_pending, 1u);
  server.cli("CONFIG SET maxmemory 1");
  ASSERT_THAT(server.cli("RPUSH rq:queue:default c"), HasSubstr("OOM"));
  EXPECT_EQ(stream.sample().num_pending, 1u);
  EXPECT_EQ(list.sample().num_pending, 2u);
  server.cli("CONFIG SET maxmemory 0");
  server.cli("CONFIG SET min-replicas-to-write 1");
  ASSERT_THAT(server.cli("RPUSH rq:queue:default c"), HasSubstr("NOREPLICAS"));
  EXPECT_EQ(stream.sample().num_pending, 1u);
  EXPECT_EQ(list.sample().num_pending, 2u);
}

TEST(RedisReplicaTest, NothingIsEverWrittenAndNoJobTaken) {
  RedisServer server;
  make_one(server);
  server.cli("RPUSH jobs a");
  server.cli("SADD processes p");
  server.cli("HSET p info '{\"queues\":[\"default\"]}'");
  server.cli("CONFIG RESETSTAT");
  std::vector<RedisSpec> specs = {stream_of(server)};
  RedisSpec list;
  list.url = server.url();
  list.list = "jobs";
  specs.push_back(list);
  list.list = "absent";
  specs.push_back(list);
  for (const auto& f : kFrameworks) {
    RedisSpec spec;
    spec.url = server.url();
    spec.framework = f.name;
    spec.queues = {"mail", "default"};
    spec.key_prefix = f.prefix;
    specs.push_back(spec);
  }
  for (const auto& spec : specs) {
    RedisReader reader(spec);
    reader.sample();
    reader.source().watch([] {});
    reader.sample();
    EXPECT_NE(reader.findings(), "");
  }
  // Each command's name is known to the server, which says whether it writes.
  std::istringstream stats(server.cli("INFO commandstats"));
  std::set<std::string> used;
  for (std::string line; std::getline(stats, line);) {
    if (!line.starts_with("cmdstat_")) continue;
    auto name = line.substr(8, line.find(':') - 8);
    name = name.substr(0, name.find('|'));
    if (name == "config") continue;  // the test's own
    used.insert(name);
    EXPECT_THAT(server.cli("COMMAND INFO " + name), ::testing::Not(HasSubstr("write"))) << name;
  }
  EXPECT_TRUE(used.contains("llen") && used.contains("xinfo") && used.contains("scan"));
}

}  // namespace
}  // namespace docktor::test
