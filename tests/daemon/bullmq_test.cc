// The workers of examples/bullmq, started and stopped by docktor: every job is done once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/daemon/sandbox.h"
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

}  // namespace
}  // namespace docktor::test
