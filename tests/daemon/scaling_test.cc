// The main job with everything real: nats-server, daemon, worker processes. Each test accounts for every
// message.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "tests/daemon/sandbox.h"

namespace docktor::test {
namespace {

class ScalingTest : public testing::Test {
 protected:
  void configure(ServiceText t) {
    t.url = server.url();
    t.record_file = box.record_file();
    box.write("docktor.yaml", config_text(t));
  }

  // The stream and consumer of the example, before anybody reads them.
  void make_queue(const NatsClient::Json& consumer = NatsClient::Json::object()) {
    NatsClient client(server.url());
    client.create_stream("EVENTS", {"events.web"});
    client.create_consumer("EVENTS", "WEB_WORKERS", consumer);
  }

  NatsServer server;
  Sandbox box;
};

TEST_F(ScalingTest, BacklogScalesUpByTwoAndIdlenessDownByOne) {
  make_queue();
  configure({.min = 1, .max = 5, .process_time_ms = "4"});
  box.produce(server.url(), "held", 4000);
  box.start();
  ASSERT_TRUE(eventually([&] { return box.all_processed("held", 4000); }))
      << box.processed("held").size() << "\n"
      << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("2→1"); })) << box.moves();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1");
  const auto moves = box.decisions(true);
  EXPECT_TRUE(moves[1]["reason"].get<std::string>().starts_with("queue.backlog ")) << moves[1];
  EXPECT_THAT(moves[1]["reason"].get<std::string>(),
              testing::MatchesRegex("queue.backlog [0-9]+\\.[0-9] > 500.*"));
  EXPECT_EQ(moves[1]["metadata"]["verdict"], "not_asked");
  for (const auto& d : moves) EXPECT_EQ(d["outcome"], "done") << d;
  for (const auto& [seq, times] : box.processed("held"))
    EXPECT_EQ(times, 1) << "message " << seq << " was processed twice";
}

TEST_F(ScalingTest, ABurstIsMetByItsRate) {
  make_queue();
  configure({.min = 1, .max = 6, .process_time_ms = "5"});
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  box.produce(server.url(), "calm", 100, 50);
  EXPECT_EQ(box.replicas(), 1);
  box.produce(server.url(), "burst", 2400, 800);
  ASSERT_TRUE(eventually([&] { return box.all_processed("burst", 2400) && box.all_processed("calm", 100); }));
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("2→1"); })) << box.moves();
  bool by_rate = false;
  for (const auto& d : box.decisions(true)) {
    by_rate = by_rate || d["reason"].get<std::string>().find("queue.rate_in") == 0;
    EXPECT_LE(d["target_replicas"], 6);
    EXPECT_GE(d["target_replicas"], 1);
  }
  EXPECT_TRUE(by_rate) << box.moves();
}

TEST_F(ScalingTest, FromZeroTheFirstMessageWakesAndNothingIsLostAsTheLastReplicaStops) {
  make_queue();
  configure({.min = 0, .max = 3, .interval = "300ms"});
  box.start();
  for (int round = 0; round < 6; ++round) {
    const std::string name = fmt::format("round{}", round);
    // Every other round the message falls into the stopping of the last replica.
    if (round % 2 == 0) {
      ASSERT_TRUE(eventually([&] { return box.replicas() == 0 && box.processes().alive().size() <= 1; }))
          << box.log();
    } else {
      const std::size_t before = box.decisions(true).size();
      ASSERT_TRUE(eventually([&] {
        const auto d = box.decisions(true);
        return d.size() > before && d.back()["target_replicas"] == 0;
      }));
    }
    box.produce(server.url(), name, 3, 1000);
    ASSERT_TRUE(eventually([&] { return box.all_processed(name, 3); })) << name << "\n" << box.log();
  }
  EXPECT_NE(box.log().find("at zero replicas with"), std::string::npos);
}

TEST_F(ScalingTest, MessagesInHandOfAWorkerThatDiedAtZeroAreProcessed) {
  make_queue({{"ack_wait", 2'000'000'000}});
  box.produce(server.url(), "hand", 3);
  {
    NatsClient dying(server.url());
    ASSERT_EQ(dying.pull("EVENTS", "WEB_WORKERS", 3, std::chrono::seconds(5)).size(), 3u);
  }
  configure({.min = 0, .max = 3, .interval = "300ms"});
  box.start();
  ASSERT_TRUE(eventually([&] { return box.all_processed("hand", 3); })) << box.log();
}

TEST_F(ScalingTest, TheServersCrashHoldsAndRecoversByItself) {
  make_queue();
  configure({.min = 1, .max = 5, .process_time_ms = "5"});
  box.produce(server.url(), "first", 3000);
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() >= 3; }));
  server.kill();
  ASSERT_TRUE(eventually([&] {
    const auto s = box.status();
    return s.is_object() && s.contains("why_nothing_happens") &&
           s["why_nothing_happens"].get<std::string>().find("has not answered") != std::string::npos;
  })) << box.log();
  const int during = box.replicas();
  std::this_thread::sleep_for(std::chrono::seconds(2));  // several check intervals without a queue
  EXPECT_EQ(box.replicas(), during) << "it holds";
  server.start();
  ASSERT_TRUE(eventually([&] { return box.all_processed("first", 3000); }))
      << box.processed("first").size() << box.log();
  box.produce(server.url(), "second", 2000);
  ASSERT_TRUE(eventually([&] { return box.all_processed("second", 2000); }));
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  for (const auto& d : box.decisions()) {
    EXPECT_LE(d["target_replicas"], 5);
    EXPECT_GE(d["target_replicas"], 1);
  }
}

TEST_F(ScalingTest, KilledInTheMidstItAdoptsItsReplicasAndTouchesNothingElse) {
  make_queue();
  configure({.min = 1, .max = 5, .process_time_ms = "10"});
  // A worker that is not docktor's.
  const Ran foreign = box.run("sh -c 'sleep 300 >/dev/null 2>&1 & echo $!'");
  const int foreign_pid = std::stoi(foreign.out);
  box.start();
  for (int round = 0; round < 4; ++round) {
    // Work of each round's own, and the decisions are asked rather than the replicas of the moment: on a slow
    // machine the work of one round is done before the next begins.
    const auto decided = box.decisions(true).size();
    box.produce(server.url(), fmt::format("round-{}", round), 2000);
    const int wanted = std::min(5, 1 + round);
    ASSERT_TRUE(eventually([&] {
      const auto moves = box.decisions(true);
      return box.replicas() >= wanted ||
             std::any_of(moves.begin() + static_cast<std::ptrdiff_t>(decided), moves.end(),
                         [&](const auto& d) { return d["target_replicas"] >= wanted; });
    })) << box.log();
    const auto workers = box.status()["replicas"];
    ASSERT_EQ(::kill(box.daemon_pid(), SIGKILL), 0);
    ASSERT_TRUE(eventually([&] { return box.docktor("daemon status").code == 3; }));
    for (const auto& w : workers) EXPECT_EQ(::kill(w["pid"].get<int>(), 0), 0) << "replicas outlive docktor";
    box.start();
    const auto adopted = box.status()["replicas"];
    std::set<int> pids;
    for (const auto& w : adopted) pids.insert(w["pid"].get<int>());
    int kept = 0;
    for (const auto& w : workers) kept += pids.count(w["pid"].get<int>());
    EXPECT_GE(kept, std::min<int>(1, static_cast<int>(workers.size()))) << "it goes on with those that run";
    EXPECT_LE(adopted.size(), 5u);
  }
  for (int round = 0; round < 4; ++round) {
    ASSERT_TRUE(eventually([&] { return box.all_processed(fmt::format("round-{}", round), 2000); })) << round;
  }
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; }));
  EXPECT_EQ(::kill(foreign_pid, 0), 0);
  ::kill(foreign_pid, SIGKILL);
}

TEST_F(ScalingTest, ABusyServiceScalesOnTheLegacyCpuConfiguration) {
  const std::string flag = box.write("busy", "");
  box.write("docktor.yaml", fmt::format(R"(service: consumer
scaling: {{cpu_high: 8, cpu_low: 4, min_replicas: 1, max_replicas: 4, scale_up_by: 2, scale_down_by: 1, check_interval: 1, metrics_window: 1}}
target:
  kind: process
  ready_after: 100ms
  command: "while :; do if [ -e {} ]; then i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; else sleep 1; fi; done"
)",
                                        flag));
  box.start();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 4; })) << box.log();
  EXPECT_TRUE(box.decisions(true)[1]["reason"].get<std::string>().starts_with("cpu.avg "))
      << box.decisions(true)[1];
  std::filesystem::remove(flag);
  ASSERT_TRUE(eventually([&] { return box.replicas() == 1; })) << box.log();
  EXPECT_TRUE(box.moves().starts_with("0→1 1→3 3→4 4→3")) << box.moves();
}

}  // namespace
}  // namespace docktor::test
