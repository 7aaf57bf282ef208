// The main job with a job table in PostgreSQL: daemon, plain Python workers, a real server. Each test accounts for every
// job.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <string>
#include <vector>

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

// A framework's table and one of the user's own are locked by a migration; then there is no connection left. A third service
// goes on with the same server.
TEST(PostgresDaemonFaults, ALockedTableAndNoConnectionLeftHoldTheReplicasAndAreToldAndPass) {
  PostgresServer server("max_connections = 10");
  server.sql(std::string(kRiverTables) + kRiverIndexes +
             "create table mine (n int); create table others (n int); "
             "insert into river_job (queue) select 'default' from generate_series(1, 60); "
             "insert into mine select generate_series(1, 60); create role docktor login; "
             "grant select on all tables in schema public to docktor");
  const Sandbox box;
  std::string services = "services:\n";
  const auto service = [&](const std::string& name, const std::string& what) {
    services += fmt::format(R"(  - name: {}
    min_replicas: 0
    max_replicas: 2
    check_interval: 500ms
    metrics_window: 2s
    sample_interval: 500ms
    rules:
      scale_up_when: [{{metric: queue.backlog, op: ">", value: 50}}]
      scale_down_when: [{{metric: queue.backlog, op: "<=", value: 5}}]
    queue: {{kind: postgres, url: "{}", {}}}
    target: {{kind: process, command: "exec sleep 1000"}}
)",
                            name, server.url("postgres", "docktor"), what);
  };
  service("framework", "framework: river");
  service("mine", "query: \"select count(*) from mine\"");
  service("other", "query: \"select count(*) from others\"");
  box.write("docktor.yaml", services);
  box.start();
  const auto told = [&](const char* name, const std::string& words) {
    return eventually([&] { return box.status(name).dump().find(words) != std::string::npos; });
  };
  const auto other_has = [&](double backlog) {
    return eventually([&] {
      const auto s = box.status("other");
      return s.contains("observation") && s["observation"].value("queue.backlog", -1.0) == backlog;
    });
  };
  const auto up = [&] { return box.replicas("framework") == 2 && box.replicas("mine") == 2; };
  const auto connections = [&] {
    return server.sql("select count(*) from pg_stat_activity where application_name = 'docktor'");
  };
  ASSERT_TRUE(eventually(up)) << box.log();
  EXPECT_EQ(box.replicas("other"), 0);
  PGconn* migration = PQconnectdb(server.url().c_str());
  PQclear(PQexec(migration, "begin; delete from river_job; delete from mine; lock table river_job, mine"));
  EXPECT_TRUE(told("framework", "the table is locked (a migration?)")) << box.status("framework");
  EXPECT_TRUE(told("mine", "the table is locked (a migration?)")) << box.status("mine");
  server.sql("insert into others values (1)");
  EXPECT_TRUE(other_has(1)) << box.status("other");
  EXPECT_EQ(connections(), "1");
  EXPECT_TRUE(up()) << box.moves();
  EXPECT_TRUE(told("mine", "the table is locked")) << "it is still";
  PQclear(PQexec(migration, "rollback"));
  PQfinish(migration);

  // All are taken when none is to be had for a while and docktor has none either, which may have been quicker than the test.
  std::vector<PGconn*> held;
  int taken = 0;
  ASSERT_TRUE(eventually([&] {
    server.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'docktor'");
    held.push_back(PQconnectdb(server.url("postgres", "docktor").c_str()));
    taken = PQstatus(held.back()) != CONNECTION_OK && connections() == "0" ? taken + 1 : 0;
    return taken == 3;
  }));
  for (const auto* name : {"framework", "mine", "other"})
    EXPECT_TRUE(told(name, "has no connection left")) << box.status(name);
  EXPECT_TRUE(up()) << box.moves();
  server.sql("delete from mine; insert into others values (2)");
  for (auto* c : held) PQfinish(c);
  EXPECT_TRUE(other_has(2)) << box.status("other");
  EXPECT_TRUE(eventually([&] { return box.replicas("mine") == 1; })) << box.status("mine");
  EXPECT_EQ(box.replicas("framework"), 2);
  EXPECT_EQ(connections(), "1");
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
