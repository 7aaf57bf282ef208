// Workers of BullMQ, those of examples/bullmq and others on a cluster, started and stopped by docktor: every job is done once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/redis/cluster.h"
#include "tests/support/missing.h"
#include "tests/support/redis_server.h"

namespace docktor::test {
namespace {

TEST(BullMqExample, FromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  if (!std::filesystem::exists(std::string(DOCKTOR_BULLMQ) + "/fetched")) {
    SKIP_FOR_WANT_OF("BullMQ is not there: scripts/fetch-bullmq.sh");
  }
  const RedisServer server;
  const Sandbox box;
  const auto node = [&](const std::string& program, const std::string& more) {
    return fmt::format(
        "/usr/bin/env, NODE_PATH={}/node_modules, REDIS_URL={}, RECORD_FILE={}, {}, node, {}/{}",
        DOCKTOR_BULLMQ, server.url(), box.jobs_file(), more, DOCKTOR_BULLMQ_EXAMPLE, program);
  };
  const auto put = [&](int first, int count) {
    auto command = node("producer.js", fmt::format("FIRST={}, COUNT={}", first, count));
    std::erase(command, ',');
    const auto ran = box.run(command);
    ASSERT_EQ(ran.code, 0) << ran.out;
  };
  box.write(
      "docktor.yaml",
      jobs_config(fmt::format(R"({{kind: redis, url: "{}", framework: bullmq, queue: mail}})", server.url()),
                  node("worker.js", "PROCESS_TIME_MS=20")));
  box.start();
  EXPECT_EQ(box.replicas(), 0);
  put(1, 1000);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == 1000; })) << box.jobs().size() << "\n"
                                                                     << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves() << "\n" << box.log();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1 1→0");
  put(1001, 1);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == 1001; })) << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
}

// Keys on three servers, of which the one with the queue is killed and comes back.
TEST(BullMqInACluster, FromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  if (!std::filesystem::exists(std::string(DOCKTOR_BULLMQ) + "/fetched")) {
    SKIP_FOR_WANT_OF("BullMQ is not there: scripts/fetch-bullmq.sh");
  }
  constexpr int kJobs = 600;
  const RedisCluster cluster;
  const Sandbox box;
  const auto program = [&](const std::string& verb) {
    return fmt::format(
        "/usr/bin/env, NODE_PATH={}/node_modules, \"REDIS_CLUSTER={},{}\", RECORD_FILE={}, GATE=/, "
        "JOB_MS=40, "
        "node, {}/redis/bullmq_job.js, {}",
        DOCKTOR_BULLMQ, cluster.nodes[0]->port(), cluster.nodes[1]->port(), box.jobs_file(), DOCKTOR_TESTS,
        verb);
  };
  const auto put = [&](int first, int count) {
    auto command = program(fmt::format("put {} {}", count, first));
    for (auto at = command.find(", "); at != std::string::npos; at = command.find(", ")) command.erase(at, 1);
    const auto ran = box.run(command);
    ASSERT_EQ(ran.code, 0) << ran.out;
  };
  box.write(
      "docktor.yaml",
      jobs_config(
          fmt::format(
              R"({{kind: redis, url: "{},{}", framework: bullmq, queue: mail, key_prefix: "{{bull}}"}})",
              cluster.url(1), cluster.url(2)),
          program("work")));
  box.start();
  EXPECT_EQ(box.replicas(), 0);
  put(1, kJobs);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == kJobs; })) << box.jobs().size() << "\n"
                                                                      << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves() << "\n" << box.log();
  EXPECT_THAT(box.moves(), testing::StartsWith("0→1 1→3 3→5"));
  const auto home =
      static_cast<std::size_t>(redis_slot("{bull}:mail:wait")) * RedisCluster::kMasters / SlotMap::kSlots;
  const auto moves = box.moves();
  cluster.nodes[home]->kill();
  ASSERT_TRUE(eventually([&] { return box.status().dump().find("queue_unreachable") != std::string::npos; }))
      << box.status();
  cluster.nodes[home]->start();
  ASSERT_TRUE(eventually([&] { return box.status().dump().find("queue_unreachable") == std::string::npos; }))
      << box.status();
  EXPECT_EQ(box.moves(), moves) << "nothing is known, and nothing moves";
  put(kJobs + 1, 1);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == kJobs + 1; })) << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
}

}  // namespace
}  // namespace docktor::test
