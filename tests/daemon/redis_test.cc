// The main job with Redis: daemon, plain Python workers, a real redis-server. Each test accounts for every job.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/support/redis_server.h"

namespace docktor::test {
namespace {

class RedisDaemonTest : public testing::Test {
 protected:
  void configure(const std::string& stream = "jobs", int db = 0) {
    box.write(
        "docktor.yaml",
        jobs_config(fmt::format(R"({{kind: redis, url: "{}", stream: {}, group: workers, claim_after: 2s}})",
                                server.url(db), stream),
                    fmt::format(R"(/usr/bin/python3, "{}", "{}", {}, workers, "{}", "0.02")",
                                DOCKTOR_REDIS_WORKER, server.url(db), stream, box.jobs_file())));
  }
  void put(int count, const std::string& stream = "jobs", int db = 0) {
    server.cli(
        fmt::format(
            "EVAL \"for i = 1, {} do redis.call('XADD', '{}', '*', 'n', ARGV[1] + i) end return 1\" 0 {}",
            count, stream, put_),
        fmt::format("-n {}", db));
    put_ += count;
  }
  bool all_done() const { return static_cast<int>(box.jobs().size()) == put_; }

  RedisServer server;
  Sandbox box;
  int put_ = 0;
};

TEST_F(RedisDaemonTest, FromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  configure();
  box.start();
  EXPECT_EQ(box.replicas(), 0);
  put(1000);  // the stream comes with them, the group with the first worker
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1 1→0");
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
    put(1);
    ASSERT_TRUE(eventually([&] { return all_done(); })) << box.log();
  }
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
}

// A list counts nothing: what comes and what is done follows from what waits and what is in hand.
TEST_F(RedisDaemonTest, AnObjectiveServesAListThatCountsNothingAndGoesBackToZero) {
  box.write("docktor.yaml",
            jobs_config(
                fmt::format(R"({{kind: redis, url: "{}", list: jobs, in_flight_list: busy}})", server.url(0)),
                fmt::format(R"(/usr/bin/python3, "{}", "{}", "{}", "0.1")", DOCKTOR_REDIS_LIST_WORKER,
                            server.url(0), box.jobs_file()),
                "objective: {max_wait: 15s}"));  // longer than any start: else one replica stays
  box.start();
  server.cli(fmt::format(
      "EVAL \"for i = 1, 500 do redis.call('LPUSH', 'jobs', ARGV[1] + i) end return 1\" 0 {}", put_));
  put_ += 500;  // 50 s of one replica's work
  ASSERT_TRUE(eventually([&] { return box.replicas() > 1; })) << box.moves() << box.log();
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; }, 2 * kPatience)) << box.moves() << box.log();
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
}

TEST_F(RedisDaemonTest, AReloadWhileItWaitsAtZeroFollowsTheQueueWhereItIsNow) {
  const auto waits_in = [&](int db) {
    return eventually([&] {
      std::istringstream clients(server.cli("CLIENT LIST"));
      for (std::string line; std::getline(clients, line);) {
        if (line.find(fmt::format(" db={} ", db)) != std::string::npos &&
            line.find("cmd=xread ") != std::string::npos)
          return true;
      }
      return false;
    });
  };
  configure();
  box.start();
  const auto daemon = box.daemon_pid();
  ASSERT_TRUE(waits_in(0)) << box.log();
  configure("others");
  EXPECT_EQ(box.docktor("daemon reload").code, 0);
  ASSERT_TRUE(waits_in(0)) << box.log();
  configure("others", 1);  // a connection of its own: the one before ends
  EXPECT_EQ(box.docktor("daemon reload").code, 0);
  ASSERT_TRUE(waits_in(1)) << box.log();
  put(10, "others", 1);
  EXPECT_TRUE(eventually([&] { return all_done(); })) << box.log();
  EXPECT_EQ(box.daemon_pid(), daemon);
}

TEST_F(RedisDaemonTest, AServerThatIsKilledAndComesBackLosesNoJobAndMovesNothingMeanwhile) {
  configure();
  box.start();
  put(1500);
  ASSERT_TRUE(eventually([&] { return box.replicas() == 5; })) << box.log();
  server.kill();
  ASSERT_TRUE(eventually([&] { return box.status().dump().find("cannot be reached") != std::string::npos; }))
      << box.status();
  EXPECT_EQ(box.replicas(), 5);
  server.start();
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
}

TEST_F(RedisDaemonTest, StatusShowsWhatWaitsAndWhatWaitsForItsTime) {
  box.write("docktor.yaml",
            jobs_config(fmt::format(R"({{kind: redis, url: "{}", framework: laravel}})", server.url()),
                        "/bin/sleep, \"1000\""));
  box.start();
  server.cli("ZADD queues:default:delayed 1 due 99999999998 later 99999999999 last");
  const auto shows = [&](const std::string& metric, double value) {
    return box.status().value("observation", Sandbox::Json::object()).value(metric, -1.0) == value;
  };
  EXPECT_TRUE(eventually([&] { return shows("queue.backlog", 1) && shows("queue.scheduled", 2); }))
      << box.status();
}

TEST_F(RedisDaemonTest, AServerThatIsMadeAReplicaUnderTheDaemonIsToldInStatus) {
  RedisServer next({.arguments = {"--repl-diskless-sync-delay", "0"}});
  for (const auto* s : {&server, &next}) s->cli("XGROUP CREATE jobs workers 0 MKSTREAM");
  configure();
  box.start();
  ASSERT_TRUE(eventually([&] { return box.status().contains("observation"); })) << box.status();
  const auto told = [&] {
    return box.status().value("notes", Sandbox::Json()).dump().find("was a master until");
  };
  EXPECT_EQ(told(), std::string::npos);
  server.cli(fmt::format("REPLICAOF 127.0.0.1 {}", next.port()));
  EXPECT_TRUE(eventually([&] { return told() != std::string::npos; })) << box.status();
  EXPECT_THAT(box.log(), testing::HasSubstr(fmt::format("is a replica of 127.0.0.1:{} now", next.port())));
  server.cli("REPLICAOF NO ONE");
  EXPECT_TRUE(eventually([&] { return told() == std::string::npos; })) << box.status();
}

}  // namespace
}  // namespace docktor::test
