// The workers of examples/pg-boss, started and stopped by docktor: every job is done once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/redis/program.h"
#include "tests/support/missing.h"
#include "tests/support/postgres_server.h"

namespace docktor::test {
namespace {

class PgBossExample : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(fetched + "/node22")) {
      SKIP_FOR_WANT_OF("pg-boss is not there: scripts/fetch-job-frameworks.sh");
    }
  }
  std::string node(const std::string& program, const std::string& more) const {
    return fmt::format(
        "/usr/bin/env, NODE_PATH={0}/newest, \"DATABASE_URL={1}\", RECORD_FILE={2}, {3}, {0}/node22, {4}/{5}",
        fetched, server.url(), box.jobs_file(), more, DOCKTOR_PG_BOSS_EXAMPLE, program);
  }
  std::string line(const std::string& program, const std::string& more) const {
    auto command = node(program, more);
    std::erase(command, ',');
    return command;
  }
  void put(int first, int count) const {
    const auto ran = box.run(line("producer.js", fmt::format("FIRST={}, COUNT={}", first, count)));
    ASSERT_EQ(ran.code, 0) << ran.out;
  }
  std::string queue() const {
    return fmt::format(R"({{kind: postgres, url: "{}", framework: pg-boss, queue: mail}})", server.url());
  }

  const std::string fetched = DOCKTOR_JOB_FRAMEWORKS;
  const PostgresServer server;
  const Sandbox box;
};

TEST_F(PgBossExample, FromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  box.write("docktor.yaml", jobs_config(queue(), node("worker.js", "PROCESS_TIME_MS=20")));
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

// A worker looks twice a second and takes five at most, so that up to five jobs wait for it all the time. Whatever the machine is
// busy with, an objective must neither go to the most replicas for those, nor stand still while jobs wait for longer than they may.
TEST_F(PgBossExample, AnObjectiveIsNeitherDrivenByThePollingBacklogNorStandsStill) {
  constexpr double kMaxWait = 6;
  constexpr int kMost = 12;
  auto config = jobs_config(queue(), node("worker.js", "PROCESS_TIME_MS=20"), "objective: {max_wait: 6s}");
  config.replace(config.find("max_replicas: 5"), 15, fmt::format("max_replicas: {}", kMost));
  box.write("docktor.yaml", config);
  put(1, 1);  // its tables
  box.start();
  ASSERT_TRUE(eventually([&] { return box.jobs().size() == 1; })) << box.log();
  const auto load =
      std::make_unique<Program>(line("producer.js", "RATE=20, BURST_INTERVAL=1e9"), box.path("producer"));
  // Three of them carry that load.
  ASSERT_TRUE(eventually([&] { return box.jobs().size() >= 300; })) << box.moves() << "\n" << box.log();
  const auto begun = box.decisions().size();
  ASSERT_TRUE(eventually([&] { return box.jobs().size() >= 800; })) << box.moves() << "\n" << box.log();
  const auto decisions = box.decisions();
  load->kill();
  int late = 0, longest_late = 0, most = 0;
  for (auto i = begun; i < decisions.size(); ++i) {
    const auto& d = decisions[i];
    const auto target = d["target_replicas"].get<int>();
    most = std::max(most, target);
    const bool stands = d["replicas"]["ready"] == target && target < kMost &&
                        d["observations"].value("queue.oldest_age", 0.0) > kMaxWait;
    late = stands ? late + 1 : 0;
    longest_late = std::max(longest_late, late);
  }
  EXPECT_GT(decisions.size(), begun + 20);
  EXPECT_LT(most, kMost) << box.moves();
  EXPECT_LT(longest_late, 20) << "decisions in a row, one each 500 ms\n" << box.moves() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() <= 1; })) << box.moves();
}

}  // namespace
}  // namespace docktor::test
