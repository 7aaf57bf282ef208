// The workers of examples/pg-boss, started and stopped by docktor: every job is done once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/support/missing.h"
#include "tests/support/postgres_server.h"

namespace docktor::test {
namespace {

TEST(PgBossExample, FromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  const std::string fetched = DOCKTOR_JOB_FRAMEWORKS;
  if (!std::filesystem::exists(fetched + "/node22")) {
    SKIP_FOR_WANT_OF("pg-boss is not there: scripts/fetch-job-frameworks.sh");
  }
  const PostgresServer server;
  const Sandbox box;
  const auto node = [&](const std::string& program, const std::string& more) {
    return fmt::format(
        "/usr/bin/env, NODE_PATH={0}/newest, \"DATABASE_URL={1}\", RECORD_FILE={2}, {3}, {0}/node22, {4}/{5}",
        fetched, server.url(), box.jobs_file(), more, DOCKTOR_PG_BOSS_EXAMPLE, program);
  };
  const auto put = [&](int first, int count) {
    auto command = node("producer.js", fmt::format("FIRST={}, COUNT={}", first, count));
    std::erase(command, ',');
    const auto ran = box.run(command);
    ASSERT_EQ(ran.code, 0) << ran.out;
  };
  box.write("docktor.yaml",
            jobs_config(fmt::format(R"({{kind: postgres, url: "{}", framework: pg-boss, queue: mail}})",
                                    server.url()),
                        node("worker.js", "PROCESS_TIME_MS=20")));
  box.start();
  EXPECT_EQ(box.replicas(), 0) << "its tables are not there yet";
  put(1, 500);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == 500; })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves() << "\n" << box.log();
  EXPECT_THAT(box.moves(), testing::StartsWith("0→1 1→3 3→5"));
  put(501, 1);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == 501; })) << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
  EXPECT_EQ(server.sql("select count(*) from pgboss.job where state <> 'completed'"), "0");
}

}  // namespace
}  // namespace docktor::test
