// The main job with Redis: daemon, plain Python workers, a real redis-server. Each test accounts for every job.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>
#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/support/redis_server.h"

namespace docktor::test {
namespace {

class RedisDaemonTest : public testing::Test {
 protected:
  void configure(const std::string& stream = "jobs", int db = 0, const char* job_seconds = "0.02") {
    box.write(
        "docktor.yaml",
        jobs_config(fmt::format(R"({{kind: redis, url: "{}", stream: {}, group: workers, claim_after: 2s}})",
                                server.url(db), stream),
                    fmt::format(R"(/usr/bin/python3, "{}", "{}", {}, workers, "{}", "{}")",
                                DOCKTOR_REDIS_WORKER, server.url(db), stream, box.jobs_file(), job_seconds)));
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

// Redis takes nothing back: the replica stays, as a job may take that long, and people are told what it stays for.
TEST_F(RedisDaemonTest, WhatADeadWorkerLeftInAListIsToldAndKeepsAReplicaUntilItIsTakenAway) {
  box.write(
      "docktor.yaml",
      jobs_config(
          fmt::format(R"({{kind: redis, url: "{}", list: jobs, in_flight_list: busy, claim_after: 2s}})",
                      server.url()),
          "/bin/sleep, \"1000\""));
  server.cli("RPUSH jobs a b");
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; })) << box.log();
  const auto told = [&](const std::string& words) {
    return box.status().value("notes", Sandbox::Json()).dump().find(words) != std::string::npos;
  };
  server.cli("LMOVE jobs busy LEFT RIGHT");
  server.cli("LMOVE jobs busy LEFT RIGHT");
  EXPECT_TRUE(eventually([&] { return told("2 jobs stand in busy since "); })) << box.status();
  EXPECT_EQ(box.replicas(), 1);
  server.cli("LREM busy 0 a");
  EXPECT_TRUE(eventually([&] { return told("1 job stands in busy since "); })) << box.status();
  EXPECT_THAT(box.docktor("daemon status").out, testing::HasSubstr("1 job stands in busy since "));
  EXPECT_EQ(box.replicas(), 1) << box.moves();
  server.cli("LREM busy 0 b");
  EXPECT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.status() << box.log();
  EXPECT_FALSE(told("busy"));
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

// Nothing waits, and at zero replicas nobody takes it up again: docktor starts one when another worker may claim it.
TEST_F(RedisDaemonTest, WhatAKilledWorkerHeldIsDoneThoughNothingElseComes) {
  configure("jobs", 0, "5");
  box.start();
  put(1);
  const auto in_hand = [&] {
    return server.cli("XINFO GROUPS jobs").find("pending\n1") != std::string::npos;
  };
  ASSERT_TRUE(eventually(in_hand)) << box.log();
  box.docktor("daemon stop");
  for (const auto& p : box.processes().alive()) ::kill(p.identity.pid, SIGKILL);
  ASSERT_TRUE(in_hand()) << "it was killed before it was done";
  ASSERT_EQ(box.jobs().size(), 0u);
  configure();
  box.start();
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.moves() << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
}

// The sentinel names another master: until it answers nothing is known, and nothing moves.
TEST_F(RedisDaemonTest, AFailoverBySentinelLosesNoJobAndMovesNothingMeanwhile) {
  RedisServer replica({.arguments = {"--replicaof", "127.0.0.1", std::to_string(server.port()),
                                     "--repl-diskless-sync-delay", "0"}});
  RedisServer sentinel({.sentinel = true,
                        .config = fmt::format("sentinel monitor jobs 127.0.0.1 {} 1\n"
                                              "sentinel down-after-milliseconds jobs 1000\n"
                                              "sentinel failover-timeout jobs 3000\n",
                                              server.port())});
  box.write("docktor.yaml",
            jobs_config(
                fmt::format(R"({{kind: redis, url: "redis://127.0.0.1:{}", sentinel: jobs, stream: jobs, )"
                            R"(group: workers, claim_after: 2s}})",
                            sentinel.port()),
                fmt::format(
                    R"(/usr/bin/python3, "{}", "sentinel://127.0.0.1:{}/jobs", jobs, workers, "{}", "0.05")",
                    DOCKTOR_REDIS_WORKER, sentinel.port(), box.jobs_file())));
  ASSERT_TRUE(eventually([&] {
    return sentinel.cli("SENTINEL replicas jobs").find(std::to_string(replica.port())) != std::string::npos;
  }));
  put(1500);
  ASSERT_TRUE(eventually([&] { return replica.cli("XLEN jobs") == "1500"; }));
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 5; })) << box.log();
  const auto before = box.decisions(true).size();
  server.kill();
  ASSERT_TRUE(eventually([&] { return box.status().dump().find("queue_unreachable") != std::string::npos; }))
      << box.status();
  ASSERT_TRUE(eventually([&] { return replica.cli("ROLE").starts_with("master"); }));
  ASSERT_TRUE(eventually([&] { return box.status().dump().find("queue_unreachable") == std::string::npos; }))
      << box.status();
  EXPECT_EQ(box.decisions(true).size(), before) << box.moves();
  EXPECT_EQ(box.replicas(), 5);
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
  // The same in every place where somebody looks.
  const auto status = box.docktor("daemon status");
  EXPECT_THAT(status.out, testing::HasSubstr("2 not due")) << status.out;
  EXPECT_THAT(box.docktor("explain --tail 3").out, testing::HasSubstr("with 1 message waiting"));
  EXPECT_THAT(box.docktor("config validate").out,
              testing::HasSubstr("Laravel default: 1 waiting, 0 in hand, 2 scheduled"));
  box.write(
      "asked",
      R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",)"
      R"("capabilities":{},"clientInfo":{"name":"t","version":"1"}}})"
      "\n"
      R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
      "\n"
      R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_queue_metrics","arguments":{"service":"consumer"}}})"
      "\n");
  EXPECT_THAT(box.run(fmt::format("sh -c '{} mcp <asked'", DOCKTOR_BINARY)).out,
              testing::HasSubstr(R"("scheduled":2.0)"));
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
