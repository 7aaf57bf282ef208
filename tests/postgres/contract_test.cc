// The tables of each PostgreSQL framework under the suite that every kind of queue runs.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <string>
#include <utility>

#include "tests/contract/queue_contract.h"
#include "tests/postgres/database.h"
#include "tests/postgres/tables.h"

namespace docktor::test {
namespace {

// Statements of one framework: $Q is the queue's name, $N how many.
struct Table {
  const char* name;
  const char* framework;  // empty: a query of the user's
  std::string make;
  const char* put;
  const char* done;
  bool wakes = false;
  std::string there = {};  // before the queue is
};

class TableUnderTest final : public QueueUnderTest {
 public:
  TableUnderTest(const Table& table, std::string name)
      : table_(table), name_(std::move(name)), db_(table.there) {}

  void make() override { run(table_.make, 0); }
  void send(int count) override { run(table_.put, count); }
  void finish(int count) override { run(table_.done, count); }
  std::unique_ptr<SourceReader> reader() override { return at(db_.url()); }
  const Database& database() const { return db_; }
  std::unique_ptr<SourceReader> nowhere() override { return at("postgresql://postgres@127.0.0.1:1/none"); }

 private:
  void run(std::string text, int count) const {
    for (const auto& [what, by] : {std::pair("$Q", name_), std::pair("$N", std::to_string(count))}) {
      for (auto at = text.find(what); at != std::string::npos; at = text.find(what)) text.replace(at, 2, by);
    }
    db_.sql(text);
  }
  std::unique_ptr<SourceReader> at(const std::string& url) const {
    return std::make_unique<PostgresReader>(
        *table_.framework
            ? jobs_of(url, table_.framework, {name_})
            : query_of(url, fmt::format("select count(*) as backlog from {} where not done", name_)));
  }

  const Table table_;
  const std::string name_;
  Database db_;
};

QueueKindUnderTest kind(const Table& table) {
  return {
      .name = table.name,
      .open = [table](const std::string& queue) { return std::make_unique<TableUnderTest>(table, queue); },
      .wakes = table.wakes};
}

const Table kTables[] = {
    {"PgBoss", "pg-boss", "select pgboss_queue('$Q')",
     "insert into pgboss.job (name) select '$Q' from generate_series(1, $N)",
     "update pgboss.job set state = 'completed' where id in (select id from pgboss.job where name = '$Q' and "
     "state = 'created' "
     "limit $N)",
     false, kPgBossTables},
    {"River", "river", std::string(kRiverTables) + kRiverIndexes,
     "insert into river_job (queue) select '$Q' from generate_series(1, $N); "
     "select pg_notify('public.river_insert', '{\"queue\": \"$Q\"}')",
     "update river_job set state = 'completed', finalized_at = now() where id in (select id from river_job "
     "where state = "
     "'available' limit $N)",
     true},
    {"GraphileWorker", "graphile-worker",
     std::string(kGraphileTables) + kGraphileIndexes +
         "insert into graphile_worker._private_tasks (identifier) values ('$Q')",
     "insert into graphile_worker._private_jobs (task_id) select 1 from generate_series(1, $N); select "
     "pg_notify('jobs:insert', '')",
     "delete from graphile_worker._private_jobs where id in (select id from graphile_worker._private_jobs "
     "limit $N)",
     true},
    {"Procrastinate", "procrastinate", std::string(kProcrastinateTables) + kProcrastinateIndexes,
     "insert into procrastinate_jobs (queue_name) select '$Q' from generate_series(1, $N); "
     "select pg_notify('procrastinate_any_queue_v1', '')",
     "update procrastinate_jobs set status = 'succeeded' where id in (select id from procrastinate_jobs "
     "where status = 'todo' "
     "limit $N)",
     true},
    {"Oban", "oban", std::string(kObanTables) + kObanIndexes,
     "insert into oban_jobs (queue) select '$Q' from generate_series(1, $N); "
     "select pg_notify('public.oban_insert', '{\"queue\": \"$Q\"}')",
     "update oban_jobs set state = 'completed', completed_at = now() where id in (select id from oban_jobs "
     "where state = "
     "'available' limit $N)",
     true},
    {"SolidQueue", "solid-queue", std::string(kSolidQueueTables) + kSolidQueueIndexes,
     "with j as (insert into solid_queue_jobs (queue_name) select '$Q' from generate_series(1, $N) returning "
     "id) insert into "
     "solid_queue_ready_executions (job_id, queue_name) select id, '$Q' from j",
     "delete from solid_queue_ready_executions where id in (select id from solid_queue_ready_executions "
     "limit $N)"},
    {"Pgmq", "pgmq", "select pgmq_queue('$Q')",
     "insert into pgmq.\"q_$Q\" (vt) select now() from generate_series(1, $N); select "
     "pg_notify('pgmq.q_$Q.INSERT', '')",
     "delete from pgmq.\"q_$Q\" where msg_id in (select msg_id from pgmq.\"q_$Q\" limit $N)", true,
     kPgmqTables},
    {"PgBoss12", "pg-boss", "select pgboss_queue('$Q'), pgboss_queue('apart', true)",
     "insert into pgboss.job (name) select n from generate_series(1, $N), (values ('$Q'), ('apart')) v(n)",
     "update pgboss.job set state = 'completed' where id in (select id from pgboss.job where name = '$Q' and "
     "state = 'created' limit $N)",
     false, std::string(kPgBoss12Tables) + kPgBoss12Indexes},
    {"Query", "", "create table $Q (id serial, done bool not null default false)",
     "insert into $Q select from generate_series(1, $N)",
     "update $Q set done = true where id in (select id from $Q where not done limit $N)"},
};

INSTANTIATE_TEST_SUITE_P(Postgres, QueueContract,
                         testing::Values(kind(kTables[0]), kind(kTables[1]), kind(kTables[2]),
                                         kind(kTables[3]), kind(kTables[4]), kind(kTables[5]),
                                         kind(kTables[6]), kind(kTables[7]), kind(kTables[8])),
                         kind_name);

// The statements of docs/postgres.md for a role of docktor's own, by framework: what a comment names goes on until the next one does.
std::map<std::string, std::string> documented_rights() {
  std::ifstream in(DOCKTOR_POSTGRES_PAGE);
  std::map<std::string, std::string> out;
  std::string line, statement, framework;
  while (std::getline(in, line) && !line.starts_with("CREATE ROLE docktor")) {
  }
  while (std::getline(in, line) && line != "```") {
    if (const auto comment = line.find("-- "); comment != std::string::npos) {
      framework = line.substr(comment + 3);
      framework = framework.substr(0, framework.find(','));
      line.resize(line.find_last_not_of(' ', comment - 1) + 1);
    }
    statement += line + "\n";
    if (!line.ends_with(';')) continue;
    out[framework] += statement;
    statement.clear();
  }
  return out;
}

TEST(PostgresRights, WhatThePageGrantsIsAllThatIsNeeded) {
  const auto rights = documented_rights();
  for (const auto& table : kTables) {
    if (!*table.framework) continue;
    SCOPED_TRACE(table.name);
    TableUnderTest queue(table, "jobs");
    queue.make();
    queue.send(3);
    queue.database().sql(
        "do $$ begin create role docktor login; exception when duplicate_object then null; end $$");
    PostgresReader reader(jobs_of(queue.database().url("docktor"), table.framework, {"jobs"}));
    EXPECT_FALSE(reader.read()) << "without them it is not";
    ASSERT_TRUE(rights.contains(table.framework));
    queue.database().sql(rights.at(table.framework));
    EXPECT_EQ(reader.with_backlog(3).num_pending, 3u);
    EXPECT_THAT(reader.findings(), testing::Not(testing::HasSubstr("error: ")));
    EXPECT_THAT(reader.findings(), testing::Not(testing::HasSubstr("permission denied")));
  }
}

// Signed in as one who may do everything. The server adds up what a connection wrote when that ends.
TEST(PostgresRights, NothingIsEverWrittenByAUserWhoMay) {
  for (const auto& table : kTables) {
    SCOPED_TRACE(table.name);
    TableUnderTest queue(table, "jobs");
    queue.make();
    queue.send(3);
    const auto written = [&] {
      const auto alone = [&] {
        return queue.database().sql(
                   "select count(*) from pg_stat_activity where datname = current_database()") == "1";
      };
      EXPECT_TRUE(eventually(alone));
      return queue.database().sql(
          "select tup_inserted, tup_updated, tup_deleted, xact_commit > 0 from pg_stat_database where "
          "datname = "
          "current_database()");
    };
    const auto before = written();
    {
      const auto reader = queue.reader();
      for (int i = 0; i < 3; ++i) EXPECT_EQ(reader->sample().num_pending, 3u);
      (void)reader->findings();
      reader->source().watch([] {});
      (void)reader->sample();
    }
    EXPECT_EQ(written(), before);
    queue.send(1);
    EXPECT_NE(written(), before) << "what is written is seen there";
  }
}

}  // namespace
}  // namespace docktor::test
