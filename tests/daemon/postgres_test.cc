// The main job with a job table in PostgreSQL: daemon, plain Python workers, a real server. Each test accounts for every
// job.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/postgres/tables.h"
#include "tests/support/postgres_server.h"

namespace docktor::test {
namespace {

class PostgresDaemonTest : public testing::Test {
 protected:
  PostgresDaemonTest() { server.sql(std::string(kRiverTables) + kRiverIndexes); }
  void configure(const std::string& what, const std::string& policy = {}) {
    box.write("docktor.yaml", jobs_config(fmt::format(R"({{kind: postgres, url: "{}", claim_after: 2s, {}}})",
                                                      server.url(), what),
                                          fmt::format(R"(/usr/bin/python3, "{}", "{}", "{}", "0.02")",
                                                      DOCKTOR_POSTGRES_WORKER, server.url(), box.jobs_file()),
                                          policy));
  }
  void put(int count) {
    server.sql(
        fmt::format("insert into river_job (queue) select 'default' from generate_series(1, {}); "
                    "select pg_notify('public.river_insert', '{{\"queue\":\"default\"}}')",
                    count));
    put_ += count;
  }
  bool all_done() const { return static_cast<int>(box.jobs().size()) == put_; }

  PostgresServer server;
  Sandbox box;
  int put_ = 0;
};

TEST_F(PostgresDaemonTest, FromNothingToFiveAndBackToZeroOverARestartOfTheServerWithEveryJobDoneOnce) {
  configure("framework: river");
  box.start();
  EXPECT_EQ(box.replicas(), 0);
  put(1000);
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves();
  EXPECT_EQ(box.moves(), "0→1 1→3 3→5 5→4 4→3 3→2 2→1 1→0");
  put(1);
  ASSERT_TRUE(eventually([&] { return all_done() && box.replicas() == 0; })) << box.log();
  // One that is scheduled: nobody is notified when its time comes.
  server.sql("insert into river_job (state, scheduled_at) values ('scheduled', now() + interval '1 s')");
  ++put_;
  ASSERT_TRUE(eventually([&] { return all_done() && box.replicas() == 0; })) << box.log();

  put(1000);
  ASSERT_TRUE(eventually([&] { return box.replicas() == 5; })) << box.log();
  server.kill();
  ASSERT_TRUE(eventually([&] { return box.status().dump().find("cannot be reached") != std::string::npos; }))
      << box.status();
  EXPECT_EQ(box.replicas(), 5);
  server.start();
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.jobs().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
}

TEST_F(PostgresDaemonTest, AnObjectiveOfAQueryWhoseTotalIsNullUntilTheFirstJobServesItAndGoesBackToZero) {
  configure(
      "query: \"select count(*) filter (where state = 'available') as backlog, "
      "count(*) filter (where state = 'running') as in_hand, max(id) as arrived from river_job\"",
      "objective: {max_wait: 15s}");  // longer than any start: else one replica stays
  box.start();
  const auto observed = [&](const std::string& metric) {
    const auto s = box.status();
    return s.contains("observation") && s["observation"].contains(metric);
  };
  ASSERT_TRUE(eventually([&] { return observed("queue.backlog"); })) << box.status();
  EXPECT_FALSE(observed("queue.rate_in")) << "absent is not 0";
  EXPECT_EQ(box.replicas(), 0);
  put(1);
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.status() << box.log();
  EXPECT_TRUE(eventually([&] { return observed("queue.rate_in"); })) << box.status();
  put(500);
  ASSERT_TRUE(eventually([&] { return all_done(); })) << box.jobs().size() << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; }, 2 * kPatience)) << box.status() << box.log();
}

}  // namespace
}  // namespace docktor::test
