// The NATS example's README, command by command: what it promises is what happens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

#include "tests/compose/readme.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

constexpr auto kMinutes = std::chrono::minutes(4);

// The number behind "Unprocessed Messages:" and its like.
long value(const std::string& text, const std::string& name) {
  std::smatch found;
  return std::regex_search(text, found, std::regex(name + ": *([0-9]+)")) ? std::stol(found[1]) : -1;
}

TEST(NatsMulti, TheReadmeFromStartToCleanup) {
  if (!private_engine()) GTEST_SKIP() << "needs an engine of its own: it uses the example's names and ports";
  Walk walk("nats-multi");

  walk.follow("### 1. Start the Stack");
  const auto ps = walk.follow("### 2. Verify Services Are Running");
  for (const auto* name : {"nats-multi-nats-1", "nats-multi-producer-1", "nats-multi-consumer-1",
                           "nats-multi-web-1", "nats-multi-web-2"}) {
    EXPECT_THAT(ps, HasSubstr(name));
  }
  EXPECT_THAT(ps, HasSubstr("healthy"));
  ASSERT_TRUE(eventually([&] {
    return walk.run("docker exec nats-multi-nats-1 /nats consumer info EVENTS WEB_WORKERS").code == 0;
  }));
  const auto info = walk.follow("### 3. Check NATS Stream and Consumer");
  EXPECT_GT(value(info, "Last Sequence"), 0) << info;
  EXPECT_THAT(info, HasSubstr("Subjects: events.web"));

  const auto start = walk.follow("### 4. Start the Docktor Daemon");
  for (const auto* line : {"=== Starting Docktor Daemon ===", "Mode: AUTONOMOUS",
                           "Config: examples/nats-multi/docktor.yaml", "Services: consumer", "Provider: dmr",
                           "Model: ai/llama3.2", "Min/Max Replicas: 1/10", "Check Interval: 10s",
                           "Queue: nats://nats:4222 (EVENTS/WEB_WORKERS)", "✓ Daemon started successfully"}) {
    EXPECT_THAT(start, HasSubstr(line));
  }
  ASSERT_TRUE(eventually([&] {
    return walk.run("./docktor daemon status").out.find("(via 127.0.0.1:4222") != std::string::npos;
  })) << walk.run("./docktor daemon status").out;
  const auto watched = walk.follow("### 5. Monitor Scaling Activity");
  EXPECT_THAT(watched, HasSubstr("nats-multi-consumer-1"));
  EXPECT_THAT(watched, HasSubstr("Unprocessed Messages"));

  // Scenario 1: left alone at 0, then 1 → 3 → 5 and drained.
  walk.go_to_example();
  walk.follow("### Without Bursts");
  walk.go_to_example();
  const auto before = walk.moves();
  const auto backlog = walk.follow("### Scenario 1");
  EXPECT_GT(value(backlog, "Unprocessed Messages"), 2000) << backlog;
  EXPECT_THAT(walk.daemon_log(), HasSubstr("scaled to 0 outside docktor at"));
  EXPECT_TRUE(
      eventually([&] { return walk.moves().substr(before.size()).find("1→3 3→5") != std::string::npos; },
                 kMinutes, std::chrono::seconds(1)))
      << walk.moves() << "\n"
      << walk.daemon_log();
  EXPECT_TRUE(eventually([&] { return walk.running("consumer") >= 5; }, kMinutes)) << walk.daemon_log();
  const auto queue = [&] { return walk.follow("### Scenario 2"); };
  EXPECT_TRUE(eventually(
      [&] {
        const auto n = value(queue(), "Unprocessed Messages");
        return n >= 0 && n < 100;
      },
      kMinutes, std::chrono::seconds(1)));

  // Scenario 2: down again, one by one.
  EXPECT_TRUE(eventually([&] { return walk.moves().find("5→4 4→3 3→2 2→1") != std::string::npos; }, kMinutes,
                         std::chrono::seconds(1)))
      << walk.moves() << "\n"
      << walk.daemon_log();

  // Scenario 3: a burst is met before a backlog builds up. Every 20 s here, to save time.
  ::setenv("BURST_INTERVAL", "20", 1);
  EXPECT_TRUE(eventually(
      [&] {
        return walk.follow("### Scenario 3").find("🔥 Starting burst mode for 10 seconds") !=
               std::string::npos;
      },
      kMinutes));
  EXPECT_TRUE(eventually(
      [&] {
        walk.go_to_root();
        const auto r = walk.run("./docktor explain --json --tail 100000 --config " + walk.config());
        return std::regex_search(r.out, std::regex("queue\\.rate_in [0-9.]+ > 200"));
      },
      kMinutes, std::chrono::seconds(1)))
      << walk.moves();

  // The other services were left alone, and every message that was published was processed.
  EXPECT_EQ(2, walk.running("web"));
  EXPECT_EQ("0", must("docker inspect -f '{{.RestartCount}}' nats-multi-nats-1"));
  ::unsetenv("BURST_INTERVAL");
  walk.go_to_example();
  walk.run("docker compose stop producer");
  std::string end;
  EXPECT_TRUE(eventually(
      [&] {
        end = walk.follow("### Scenario 2");
        return value(end, "Unprocessed Messages") == 0 && value(end, "Outstanding Acks") == 0;
      },
      kMinutes, std::chrono::seconds(1)))
      << end;
  const auto stream = walk.run("docker exec nats-multi-nats-1 /nats stream info EVENTS").out;
  const auto last = value(stream, "Last Sequence");
  EXPECT_GT(last, 3000);
  EXPECT_EQ(last, value(end, "Acknowledgment Floor: Consumer sequence: [0-9]+ Stream sequence"));
  EXPECT_EQ(0, value(end, "Redelivered Messages")) << "stopped workers gave back what they had not begun";

  // Troubleshooting and tuning.
  for (const auto* heading : {"### \"Failed to connect to NATS\"", "### \"Stream/Consumer not found\"",
                              "### \"Consumer not processing"}) {
    walk.go_to_example();
    walk.follow(heading);
  }
  walk.go_to_root();
  EXPECT_THAT(walk.follow("### \"Docktor not scaling\""),
              testing::AllOf(HasSubstr("Service: consumer"),
                             HasSubstr("get_queue_metrics response: backlog="), HasSubstr("scale_up_when")));
  walk.go_to_example();
  walk.follow("### Adjust Producer Rate");
  EXPECT_EQ("RATE=200", must("docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "
                             "nats-multi-producer-1 | grep ^RATE="));
  walk.follow("### Adjust Consumer Processing Speed");

  walk.go_to_root();
  walk.follow("## Cleanup");
  EXPECT_EQ("", must("docker ps -aq"));
  EXPECT_EQ("", must("docker volume ls -q"));
}

}  // namespace
}  // namespace docktor::test
