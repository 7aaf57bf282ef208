// No statement looks at finished jobs: each is explained, and run, beside a million of them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "tests/postgres/reader.h"
#include "tests/postgres/tables.h"

namespace docktor::test {
namespace {

constexpr int kFinished = 1'000'000;
constexpr int kAlive = 100;
constexpr int kDead = 30;

struct Case {
  const char* framework;
  std::string before, indexes;
  /// Puts jobs in; {0}: how many finished ones, {1}: how many alive, {2}: how many that failed for good.
  const char* fill;
  bool counted_in_hand = true;  ///< where the table is so large
  const char* label = "";       ///< of another version
};

std::vector<Case> cases() {
  return {
      {"river", kRiverTables, kRiverIndexes,
       "insert into river_job (state, finalized_at, queue) select 'completed', now(), 'q' || n % 3 from "
       "generate_series(1, {0}) n; "
       "insert into river_job (state, finalized_at, queue) select 'discarded', now(), 'q0' from "
       "generate_series(1, {2}); insert into river_job (queue) select 'q0' from generate_series(1, {1})"},
      {"pg-boss", std::string(kPgBossTables) + "select pgboss_queue('q0');", "select pgboss_indexes('q0');",
       "insert into pgboss.job (name, state, completed_on) select 'q0', 'completed', now() from "
       "generate_series(1, {0}); "
       "insert into pgboss.job (name) select 'q0' from generate_series(1, {1})",
       false},
      {"pg-boss", std::string(kPgBoss12Tables) + "select pgboss_queue('q0'), pgboss_queue('q1');",
       kPgBoss12Indexes,
       "insert into pgboss.job (name, state, completed_on) select 'q' || n % 3, 'completed', now() from "
       "generate_series(1, {0}) n; "
       "insert into pgboss.job (name, state, completed_on) select 'q0', 'failed', now() from "
       "generate_series(1, {2}); insert into pgboss.job (name) select 'q0' from generate_series(1, {1})",
       true, "12"},
      {"pgmq", std::string(kPgmqTables) + "select pgmq_queue('q0');", "",
       "insert into pgmq.a_q0 (msg_id, vt) select n, now() from generate_series(1, {0}) n; "
       "insert into pgmq.q_q0 (vt) select now() from generate_series(1, {1})"},
      {"graphile-worker", kGraphileTables, kGraphileIndexes,
       "insert into graphile_worker._private_tasks (identifier) values ('q0'); "
       "insert into graphile_worker._private_jobs (task_id, attempts) select 1, 25 from generate_series(1, "
       "{0}); "
       "insert into graphile_worker._private_jobs (task_id) select 1 from generate_series(1, {1})",
       false},
      {"procrastinate", kProcrastinateTables, kProcrastinateIndexes,
       "insert into procrastinate_jobs (queue_name, status) select 'q' || n % 3, 'succeeded' from "
       "generate_series(1, {0}) n; "
       "insert into procrastinate_jobs (queue_name) select 'q0' from generate_series(1, {1})"},
      {"oban", kObanTables, kObanIndexes,
       "insert into oban_jobs (state, queue) select 'completed', 'q' || n % 3 from generate_series(1, {0}) "
       "n; insert into oban_jobs (state, queue) select 'discarded', 'q0' from generate_series(1, {2}); "
       "insert into oban_jobs (queue) select 'q0' from generate_series(1, {1})"},
      {"solid-queue", kSolidQueueTables, kSolidQueueIndexes,
       "insert into solid_queue_jobs (queue_name, finished_at) select 'q' || n % 3, now() from "
       "generate_series(1, {0}) n; "
       "insert into solid_queue_jobs (queue_name) select 'q0' from generate_series(1, {1} + {2}); "
       "insert into solid_queue_failed_executions (job_id) select id from solid_queue_jobs where id > {0} "
       "and id <= {0} + {2}; "
       "insert into solid_queue_ready_executions (job_id, queue_name) select id, queue_name from "
       "solid_queue_jobs where id > {0} + {2}"},
  };
}

class PostgresPlan : public testing::TestWithParam<Case> {};

TEST_P(PostgresPlan, LooksAtTheLivingAlone) {
  const auto& c = GetParam();
  auto& server = shared_server();
  const auto db = server.new_database();
  server.sql(c.before, db);
  server.sql(fmt::format(fmt::runtime(c.fill), kFinished, kAlive, kDead) + ";" + c.indexes, db);
  server.sql("vacuum analyze", db);
  PostgresReader reader(jobs_of(server.url(db), c.framework, {"q0"}));
  const auto s = reader.sample();
  EXPECT_EQ(s.num_pending, static_cast<std::uint64_t>(kAlive));
  EXPECT_EQ(s.num_ack_pending.has_value(), c.counted_in_hand);
  const bool dead = std::string_view(c.fill).find("{2}") != std::string_view::npos;
  EXPECT_EQ(s.dead.value_or(0), dead ? static_cast<std::uint64_t>(kDead) : 0);
  EXPECT_EQ(reader.findings().find("no index of jobs in hand") != std::string::npos, !c.counted_in_hand);

  const auto* f = pg_framework_named(c.framework);
  auto sql = pg_statement(*f, "");
  const auto put = [&](const std::string& what, const std::string& by) {
    sql = std::regex_replace(sql, std::regex(what), by);
  };
  // Behind the 50 latest ids, as in a second sample.
  put("\\$1", "'{q0}'");
  put("\\$2", std::to_string(kFinished + kAlive - 50));
  put("\\$3", std::to_string(kFinished + kAlive - 10));
  const auto plan = server.sql("explain (analyze, buffers, costs off) " + sql, db);
  std::smatch found;
  std::size_t most = 0, buffers = 0;
  const std::regex rows("(?:rows=|Rows Removed by [A-Za-z ]*: )([0-9]+)"),
      pages("Buffers: shared hit=([0-9]+)");
  for (auto it = std::sregex_iterator(plan.begin(), plan.end(), rows); it != std::sregex_iterator(); ++it)
    most = std::max<std::size_t>(most, std::stoul((*it)[1]));
  for (auto it = std::sregex_iterator(plan.begin(), plan.end(), pages); it != std::sregex_iterator(); ++it)
    buffers = std::max<std::size_t>(buffers, std::stoul((*it)[1]));
  EXPECT_LE(most, 4u * kAlive) << plan;
  EXPECT_LE(buffers, 1000u) << plan;
  EXPECT_GT(buffers, 0u) << plan;
  server.sql("drop database " + db + " with (force)");
}

// What failed for good stays where nobody deletes it.
TEST(PostgresDead, SoManyAreCountedAndNoMore) {
  auto& server = shared_server();
  const auto db = server.new_database();
  server.sql(
      std::string(kRiverTables) + kRiverIndexes +
          "insert into river_job (state, finalized_at, queue) select 'discarded', now() - n * interval '1 "
          "s', "
          "case when n <= 100 then 'new' else 'old' end from generate_series(1, 20000) n",
      db);
  PostgresReader fresh(jobs_of(server.url(db), "river", {"new"})),
      old(jobs_of(server.url(db), "river", {"old"}));
  EXPECT_EQ(fresh.sample().dead, 100u) << "the newest first";
  EXPECT_EQ(old.sample().dead, static_cast<std::uint64_t>(kMostDead) - 100);
}

INSTANTIATE_TEST_SUITE_P(Frameworks, PostgresPlan, testing::ValuesIn(cases()), [](const auto& i) {
  return std::regex_replace(std::string(i.param.framework) + i.param.label, std::regex("-"), "_");
});

}  // namespace
}  // namespace docktor::test
