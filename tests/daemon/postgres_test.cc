// The main job with a job table in PostgreSQL: daemon, plain Python workers, a real server. Each test accounts for every
// job.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "tests/daemon/sandbox.h"
#include "tests/postgres/tables.h"
#include "tests/support/postgres_server.h"

namespace docktor::test {
namespace {

class PostgresDaemonTest : public testing::Test {
 protected:
  PostgresDaemonTest() {
    server.sql(std::string(kRiverTables) + kRiverIndexes);
    box.write("docktor.yaml",
              fmt::format(R"(services:
  - name: consumer
    min_replicas: 0
    max_replicas: 5
    check_interval: 500ms
    metrics_window: 2s
    rules:
      scale_up_when: [{{metric: queue.backlog, op: ">", value: 50}}]
      scale_down_when: [{{metric: queue.backlog, op: "<=", value: 5}}]
    queue: {{kind: postgres, url: "{}", framework: river, claim_after: 2s}}
    target: {{kind: process, command: [/usr/bin/python3, "{}", "{}", "{}", "0.02"]}}
)",
                          server.url(), DOCKTOR_POSTGRES_WORKER, server.url(), box.path("jobs")));
  }
  void put(int count) {
    server.sql(
        fmt::format("insert into river_job (queue) select 'default' from generate_series(1, {}); "
                    "select pg_notify('public.river_insert', '{{\"queue\":\"default\"}}')",
                    count));
    put_ += count;
  }
  std::map<int, int> done() const {
    std::map<int, int> out;
    std::ifstream in(box.path("jobs"));
    for (int n; in >> n;) ++out[n];
    return out;
  }
  bool all_done() const { return static_cast<int>(done().size()) == put_; }

  PostgresServer server;
  Sandbox box;
  int put_ = 0;
};

TEST_F(PostgresDaemonTest, FromNothingToFiveAndBackToZeroOverARestartOfTheServerWithEveryJobDoneOnce) {
  box.start();
  EXPECT_EQ(box.replicas(), 0);
  put(1000);
  ASSERT_TRUE(eventually([&] { return all_done(); })) << done().size() << "\n" << box.log();
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
  ASSERT_TRUE(eventually([&] { return all_done(); })) << done().size() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
  for (const auto& [job, times] : done()) EXPECT_EQ(times, 1) << "job " << job;
}

}  // namespace
}  // namespace docktor::test
