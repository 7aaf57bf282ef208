// What job tables show, on a real server: counts against the test's own, nothing that is absent taken for 0,
// nothing written.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/flow.h"
#include "tests/postgres/database.h"
#include "tests/postgres/tables.h"

namespace docktor::test {

PostgresServer& shared_server() {
  static PostgresServer server;
  return server;
}

namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

// --- Frameworks: the states of jobs, by their tables ---

TEST(PostgresFramework, RiversStates) {
  Database db(std::string(kRiverTables) + kRiverIndexes);
  PostgresReader reader(jobs_of(db.url(), "river", {"default"}));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  EXPECT_EQ(reader.sample().num_ack_pending, 0u);
  db.sql(
      "insert into river_job (state, scheduled_at) values ('available', now() - interval '30 s'), "
      "('available', now()), "
      "('running', now()), ('retryable', now() - interval '1 s'), ('retryable', now() + interval '1 h'), "
      "('scheduled', now() + interval '1 h'), ('scheduled', now() - interval '1 s'), ('completed', now()), "
      "('cancelled', now()); insert into river_job (state, finalized_at) values ('discarded', now()); "
      "insert into river_job (queue) select 'mail' from generate_series(1, 5); insert into river_queue "
      "(name) values ('default')");
  auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 4u) << "two available, two whose time has come";
  EXPECT_EQ(s.num_ack_pending, 1u);
  EXPECT_EQ(s.scheduled, 2u);
  ASSERT_TRUE(s.oldest_age);
  EXPECT_GE(*s.oldest_age, Duration(seconds(30)));
  EXPECT_EQ(s.dead, 1u) << "discarded; who cancels a job knows of it";
  EXPECT_FALSE(s.consumers || s.num_waiting || s.last_seq);
  EXPECT_EQ(PostgresReader(jobs_of(db.url(), "river", {"default", "mail"})).sample().num_pending, 9u);
  EXPECT_THAT(reader.findings(),
              HasSubstr("ok: River (migration 6), default: 4 waiting, 1 in hand, 2 scheduled"));
  EXPECT_THAT(PostgresReader(jobs_of(db.url(), "river", {"defualt"})).findings(),
              HasSubstr("River knows no queue defualt now; there are: default"));
  db.sql("update river_queue set paused_at = now()");
  EXPECT_THAT(reader.sample().paused, HasSubstr("queue default is paused in River"));
}

TEST(PostgresFramework, PgBossesStatesAndAQueueThatIsNotThereYet) {
  Database db(kPgBossTables);
  PostgresReader reader(jobs_of(db.url(), "pg-boss", {"mail"}));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message,
              HasSubstr("queue mail is not there yet in pg-boss"));
  db.sql("select pgboss_queue('mail'), pgboss_queue('other')");
  EXPECT_EQ(reader.sample().num_ack_pending, 0u);
  db.sql(
      "insert into pgboss.job (name, state, start_after) values ('mail', 'created', now() - interval '30 "
      "s'), "
      "('mail', 'retry', now()), ('mail', 'created', now() + interval '1 h'), ('mail', 'active', now()), "
      "('mail', 'completed', now()), ('mail', 'failed', now()), ('other', 'created', now())");
  const auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 2u);
  EXPECT_EQ(s.num_ack_pending, 1u);
  EXPECT_EQ(s.scheduled, 1u);
  EXPECT_FALSE(s.totals.arrived);
  EXPECT_THAT(reader.source().watch_gap(), HasSubstr("pg-boss tells nobody of a new job"));
  EXPECT_THAT(reader.findings(),
              HasSubstr("ok: pg-boss (schema 24, pg-boss 10), mail: 2 waiting, 1 in hand, 1 scheduled"));
}

// Since pg-boss 11 queues share a table; since 12 there are jobs that wait for others.
TEST(PostgresFramework, PgBossesStatesInATableForAllQueues) {
  Database db(std::string(kPgBoss12Tables) + kPgBoss12Indexes);
  PostgresReader reader(jobs_of(db.url(), "pg-boss", {"mail"})),
      apart(jobs_of(db.url(), "pg-boss", {"apart"}));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message,
              HasSubstr("queue mail is not there yet in pg-boss"));
  db.sql("select pgboss_queue('mail'), pgboss_queue('other'), pgboss_queue('apart', true)");
  EXPECT_EQ(reader.sample().num_ack_pending, 0u);
  db.sql(
      "insert into pgboss.job (name, state, start_after, blocked) values "
      "('mail', 'created', now() - interval '30 s', false), ('mail', 'retry', now(), false), "
      "('mail', 'created', now() + interval '1 h', false), ('mail', 'created', now() - interval '1 h', "
      "true), "
      "('mail', 'active', now(), false), ('mail', 'completed', now(), false), ('mail', 'failed', now(), "
      "false), "
      "('other', 'active', now(), false), ('apart', 'created', now(), false), ('apart', 'active', now(), "
      "false)");
  db.sql("update pgboss.job set created_on = start_after where start_after < now()");
  const auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 2u);
  EXPECT_EQ(s.num_ack_pending, 1u);
  EXPECT_EQ(s.scheduled, 2u) << "one waits for its time, one for another job";
  EXPECT_GE(s.oldest_age.value_or(Duration{}), Duration(seconds(30)));
  EXPECT_LE(s.oldest_age.value_or(Duration{}), Duration(std::chrono::minutes(50)))
      << "what is blocked has no age";
  EXPECT_EQ(apart.sample().num_pending, 1u);
  EXPECT_EQ(apart.sample().num_ack_pending, 1u);
  EXPECT_THAT(
      reader.findings(),
      HasSubstr("ok: pg-boss (schema 46, pg-boss 11 or later), mail: 2 waiting, 1 in hand, 2 scheduled"));
}

TEST(PostgresFramework, PgmqsStates) {
  Database db(kPgmqTables);
  PostgresReader reader(jobs_of(db.url(), "pgmq", {"Mail"}));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message, HasSubstr("queue Mail is not there yet in pgmq"));
  db.sql("select pgmq_queue('Mail'), pgmq_queue('other')");
  auto before = reader.sample();
  EXPECT_EQ(before.num_ack_pending, 0u);
  db.sql(
      "insert into pgmq.q_mail (enqueued_at, vt, read_ct) values (now() - interval '30 s', now() - interval "
      "'30 s', 0), "
      "(now() - interval '1 h', now() - interval '1 s', 0), (now() - interval '9 s', now() - interval '1 s', "
      "2), "
      "(now(), now() + interval '1 h', 0), (now() - interval '1 h', now() + interval '30 s', 1); "
      "insert into pgmq.q_other (vt) values (now())");
  const auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 3u) << "one was read, and its time is over";
  EXPECT_EQ(s.num_ack_pending, 1u);
  EXPECT_EQ(s.scheduled, 1u);
  EXPECT_GE(s.oldest_age.value_or(Duration{}), Duration(seconds(30)));
  EXPECT_LE(s.oldest_age.value_or(Duration{}), Duration(std::chrono::minutes(50)))
      << "one that waited for its time";
  const auto flow = flow_between(before, s, seconds(1));
  ASSERT_TRUE(flow.flow);
  EXPECT_EQ(flow.flow->arrivals, 4) << "five came, one of which waits for its time";
  EXPECT_EQ(flow.flow->settled, 0);
  before = s;
  db.sql("delete from pgmq.q_mail where read_ct > 0; insert into pgmq.q_mail (vt) values (now())");
  const auto later = flow_between(before, reader.sample(), seconds(1));
  ASSERT_TRUE(later.flow);
  EXPECT_EQ(later.flow->arrivals, 1);
  EXPECT_EQ(later.flow->settled, 2);
  EXPECT_THAT(reader.findings(),
              HasSubstr("ok: pgmq (by plain SQL), Mail: 3 waiting, 0 in hand, 1 scheduled"));
  EXPECT_THAT(PostgresReader(jobs_of(db.url(), "pgmq", {"mial"})).findings(),
              HasSubstr("error: queue mial is not there yet in pgmq"));

  // Who may not read its sequence knows nothing of arrivals, not that there were none.
  db.sql(
      "create role q1 login; grant usage on schema pgmq to q1; grant select on all tables in schema pgmq to "
      "q1");
  PostgresReader stranger(jobs_of(db.url("q1"), "pgmq", {"Mail"}));
  EXPECT_EQ(stranger.sample().num_pending, 3u);
  EXPECT_FALSE(stranger.sample().totals.arrived);
  db.sql("grant select on all sequences in schema pgmq to q1");
  EXPECT_TRUE(stranger.sample().totals.arrived);
  // A queue that is dropped is not there; one that is made anew counts anew.
  db.sql("drop table pgmq.q_mail; delete from pgmq.meta where queue_name = 'Mail'");
  (void)reader.error(ErrorCode::kNotFound);
  db.sql("drop table pgmq.a_mail; select pgmq_queue('Mail')");
  EXPECT_EQ(reader.sample().num_pending, 0u);
}

TEST(PostgresFramework, GraphilesStatesAndRowsThatAUserMayNotSee) {
  Database db(std::string(kGraphileTables) + kGraphileIndexes);
  PostgresReader all(jobs_of(db.url(), "graphile-worker")),
      mail(jobs_of(db.url(), "graphile-worker", {"mail"}));
  EXPECT_EQ(all.sample().num_pending, 0u);
  EXPECT_EQ(mail.sample().num_ack_pending, 0u);
  const auto before = all.sample();
  db.sql(
      "insert into graphile_worker._private_tasks (identifier) values ('mail'), ('report'); "
      "insert into graphile_worker._private_jobs (task_id, run_at, attempts, locked_at) values "
      "(1, now(), 0, null), (1, now() - interval '9 s', 3, null), (1, now() + interval '1 h', 0, null), "
      "(1, now(), 1, now()), (1, now(), 25, null), (2, now(), 0, null)");
  const auto m = mail.sample();
  EXPECT_EQ(m.num_pending, 2u) << "one has failed for good, one waits for its time, one is in hand";
  EXPECT_EQ(m.num_ack_pending, 1u);
  EXPECT_EQ(m.scheduled, 1u);
  EXPECT_GE(m.oldest_age.value_or(Duration{}), Duration(seconds(9)));
  EXPECT_FALSE(m.totals.arrived) << "only arrivals of all tasks together are counted";
  const auto after = all.sample();
  EXPECT_EQ(after.num_pending, 3u);
  (void)before;  // its sequence was not used yet, and tells nothing
  db.sql("insert into graphile_worker._private_jobs (task_id) select 2 from generate_series(1, 5)");
  const auto more = all.sample();
  const auto flow = flow_between(after, more, seconds(1));
  ASSERT_TRUE(flow.flow);
  EXPECT_EQ(flow.flow->arrivals, 5);
  // Of jobs of one named queue one runs at a time.
  db.sql(
      "insert into graphile_worker._private_tasks (identifier) values ('lanes'); insert into "
      "graphile_worker._private_job_queues (queue_name, locked_at) values ('a', now()), ('b', null); "
      "insert into graphile_worker._private_jobs (task_id, job_queue_id, locked_at) values (3, 1, now()), "
      "(3, 1, null), "
      "(3, 1, null), (3, 2, null), (3, 2, null), (3, null, null)");
  const auto lanes = PostgresReader(jobs_of(db.url(), "graphile-worker", {"lanes"})).sample();
  EXPECT_EQ(lanes.num_pending, 2u) << "one of b, and the one without";
  EXPECT_EQ(lanes.num_ack_pending, 1u);
  EXPECT_EQ(lanes.scheduled, 3u) << "two of a, one of b";

  // Row level security hides every row from those who are not the owner: not one that waits must not mean nothing waits.
  db.sql(
      "create role g1 login; grant usage on schema graphile_worker to g1; "
      "grant select on all tables in schema graphile_worker to g1; grant usage on all sequences in schema "
      "graphile_worker to g1");
  PostgresReader stranger(jobs_of(db.url("g1"), "graphile-worker", {"mail"}));
  EXPECT_THAT(stranger.error(ErrorCode::kDenied).message, HasSubstr("row-level security"));
  EXPECT_THAT(stranger.findings(), HasSubstr("BYPASSRLS"));
  db.sql("alter role g1 bypassrls");
  EXPECT_EQ(stranger.sample().num_pending, 2u);
}

TEST(PostgresFramework, ProcrastinatesStates) {
  Database db(std::string(kProcrastinateTables) + kProcrastinateIndexes);
  db.sql(
      "insert into procrastinate_jobs (status, scheduled_at) values ('todo', null), ('todo', now() - "
      "interval '1 s'), "
      "('todo', now() + interval '1 h'), ('doing', null), ('succeeded', null), ('failed', null); "
      "insert into procrastinate_jobs (queue_name) values ('mail'), ('mail')");
  const auto s = PostgresReader(jobs_of(db.url(), "procrastinate", {"default"})).sample();
  EXPECT_EQ(s.num_pending, 2u);
  EXPECT_EQ(s.num_ack_pending, 1u);
  EXPECT_EQ(s.scheduled, 1u);
  EXPECT_EQ(PostgresReader(jobs_of(db.url(), "procrastinate")).sample().num_pending, 4u);
  // Of jobs with one lock one runs at a time.
  db.sql(
      "insert into procrastinate_jobs (queue_name, lock, status, scheduled_at) values ('locks', 'a', "
      "'doing', null), "
      "('locks', 'a', 'todo', null), ('locks', 'a', 'todo', now()), ('locks', 'b', 'todo', null), ('locks', "
      "'b', 'todo', null), "
      "('locks', 'c', 'todo', now() + interval '1 h'), ('locks', null, 'todo', null)");
  const auto locked = PostgresReader(jobs_of(db.url(), "procrastinate", {"locks"})).sample();
  EXPECT_EQ(locked.num_pending, 2u) << "one of b, and the one without";
  EXPECT_EQ(locked.num_ack_pending, 1u);
  EXPECT_EQ(locked.scheduled, 4u) << "two of a, one of b, and one whose time has not come";
}

TEST(PostgresFramework, ObansStates) {
  Database db(std::string(kObanTables) + kObanIndexes);
  db.sql(
      "set timezone = 'Asia/Tokyo'; insert into oban_jobs (state, scheduled_at) select s::oban_job_state, "
      "timezone('UTC', now()) + i "
      "from (values ('available', interval '-9 s'), ('scheduled', '-1 s'), ('retryable', '-1 s'), "
      "('scheduled', '1 h'), "
      "('retryable', '1 h'), ('executing', '0'), ('suspended', '0'), ('completed', '0'), ('discarded', '0'), "
      "('cancelled', '0')) v(s, i)");
  PostgresReader reader(jobs_of(db.url(), "oban", {"default"}));
  const auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 3u);
  EXPECT_EQ(s.num_ack_pending, 1u);
  EXPECT_EQ(s.scheduled, 2u);
  EXPECT_GE(s.oldest_age.value_or(Duration{}), Duration(seconds(9)));
  EXPECT_LE(s.oldest_age.value_or(Duration{}), Duration(std::chrono::hours(1))) << "its times are UTC";
  EXPECT_THAT(reader.findings(),
              HasSubstr("ok: Oban (migration 15), default: 3 waiting, 1 in hand, 2 scheduled"));
}

TEST(PostgresFramework, SolidQueuesStates) {
  Database db(std::string(kSolidQueueTables) + kSolidQueueIndexes);
  PostgresReader reader(jobs_of(db.url(), "solid-queue", {"default"}));
  const auto before = reader.sample();
  db.sql(
      "insert into solid_queue_jobs (queue_name) select case when n < 8 then 'default' else 'mail' end from "
      "generate_series(1, 9) n; "
      "insert into solid_queue_ready_executions (job_id, queue_name) values (1, 'default'), (2, 'default'), "
      "(8, 'mail'); "
      "insert into solid_queue_scheduled_executions (job_id, scheduled_at) values (3, timezone('UTC', now()) "
      "- interval '9 s'), "
      "(4, timezone('UTC', now()) + interval '1 h'); insert into solid_queue_blocked_executions (job_id) "
      "values (5); "
      "insert into solid_queue_claimed_executions (job_id) values (6), (9)");
  const auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 3u);
  EXPECT_EQ(s.num_ack_pending, 1u);
  EXPECT_EQ(s.scheduled, 2u);
  EXPECT_GE(s.oldest_age.value_or(Duration{}), Duration(seconds(9)));
  const auto flow = flow_between(before, s, seconds(1));
  ASSERT_TRUE(flow.flow);
  EXPECT_EQ(flow.flow->arrivals, 5) << "seven came, two of which wait";
  EXPECT_EQ(flow.flow->settled, 1);
  db.sql("insert into solid_queue_pauses (queue_name) values ('default')");
  EXPECT_THAT(reader.sample().paused, HasSubstr("queue default is paused in Solid Queue"));
  db.sql(
      "truncate solid_queue_ready_executions, solid_queue_scheduled_executions, "
      "solid_queue_blocked_executions, "
      "solid_queue_claimed_executions; update solid_queue_jobs set finished_at = timezone('UTC', now())");
  EXPECT_THAT(reader.findings(), testing::Not(HasSubstr("knows no queue"))) << "idle, and no mistake";
  EXPECT_THAT(PostgresReader(jobs_of(db.url(), "solid-queue", {"mial"})).findings(),
              AllOf(HasSubstr("knows no queue"), HasSubstr("default, mail")));
}

// --- Tables that come, go, and lie elsewhere ---

TEST(PostgresFramework, TablesThatAreNotThereYetOrMigratedAwayAreNoData) {
  Database db;
  PostgresReader reader(jobs_of(db.url(), "river", {"default"}));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message, HasSubstr("river_job\" does not exist"));
  EXPECT_THAT(reader.findings(),
              AllOf(HasSubstr("River is not there: docktor looked for table river_job by the user's "
                              "search path of database " +
                              db.name + ", and no schema has one"),
                    HasSubstr("run River's migrations")));
  db.sql(std::string(kRiverTables) + kRiverIndexes + "insert into river_job (queue) values ('default')");
  EXPECT_EQ(reader.with_backlog(1).num_pending, 1u);
  db.sql("alter table river_job rename column scheduled_at to due");
  EXPECT_THAT(reader.error(ErrorCode::kInvalid).message, HasSubstr("column \"scheduled_at\" does not exist"));
  db.sql(
      "alter table river_job rename column due to scheduled_at; create schema jobs; alter table river_job "
      "set schema jobs");
  EXPECT_EQ(reader.error(ErrorCode::kNotFound).code, ErrorCode::kNotFound);
  EXPECT_THAT(reader.findings(),
              AllOf(HasSubstr("and schema jobs has one"), HasSubstr("write queue.schema: jobs")));
  db.sql("alter table river_queue set schema jobs");
  auto spec = jobs_of(db.url(), "river", {"default"});
  spec.schema = "jobs";
  EXPECT_EQ(PostgresReader(spec).sample().num_pending, 1u);
}

TEST(PostgresFramework, AUserWithRightsToReadAloneSufficesAndNothingLess) {
  Database db(std::string(kRiverTables) + kRiverIndexes +
              "create role r1 login; insert into river_job (queue) values ('default')");
  PostgresReader reader(jobs_of(db.url("r1"), "river", {"default"}));
  EXPECT_THAT(reader.error(ErrorCode::kDenied).message,
              HasSubstr("this user may not read it: permission denied for table river"));
  EXPECT_THAT(reader.findings(), HasSubstr("GRANT SELECT on river_job river_queue"));
  db.sql("grant select on river_job, river_queue to r1");
  EXPECT_EQ(reader.sample().num_pending, 1u);
}

TEST(PostgresFramework, NamesOfEverySortAreNamesAndNoSql) {
  Database db(std::string(kRiverTables) + kRiverIndexes);
  const std::string odd = R"(a"b'c\d{e},f $1 ü)";
  db.sql(R"(insert into river_job (queue) values (E'a"b\'c\\d{e},f $1 ü'))");
  EXPECT_EQ(PostgresReader(jobs_of(db.url(), "river", {odd, "default"})).sample().num_pending, 1u);
  db.sql(
      "create schema \"odd \"\"one\"; alter table river_job set schema \"odd \"\"one\"; alter table "
      "river_queue set schema \"odd \"\"one\"");
  auto spec = jobs_of(db.url(), "river", {odd});
  spec.schema = "odd \"one";
  EXPECT_EQ(PostgresReader(spec).sample().num_pending, 1u);
}

// --- Wake ---

TEST(PostgresWake, ANotificationWakesAtOnceAndOneOfAnotherQueueDoesNot) {
  Database db(std::string(kRiverTables) + kRiverIndexes);
  PostgresReader reader(jobs_of(db.url(), "river", {"default"}));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  EXPECT_THAT(reader.source().watch_gap(), HasSubstr("does not tell when the time of a scheduled job comes"));
  std::atomic<int> woken = 0;
  reader.source().watch([&] { ++woken; });
  // Each goes through the connection's thread, behind what the watch began there.
  for (int i = 0; i < 4; ++i) (void)reader.sample();
  db.sql(
      "insert into river_job (queue) values ('mail'); select pg_notify('public.river_insert', "
      "'{\"queue\":\"mail\"}')");
  db.sql(
      "select pg_notify('public.river_insert', '{\"queue\":\"default\"}')");  // which was taken by a worker meanwhile
  (void)reader.sample();
  EXPECT_EQ(woken, 0);
  db.sql(
      "insert into river_job (queue) values ('default'); select pg_notify('public.river_insert', "
      "'{\"queue\":\"default\"}')");
  EXPECT_TRUE(eventually([&] { return woken == 1; }));
  // There already: the next watch tells it, too. One that is ended tells nothing.
  reader.source().watch([&] { ++woken; });
  EXPECT_TRUE(eventually([&] { return woken == 2; }));
  db.sql("delete from river_job");
  reader.source().watch([&] { ++woken; });
  reader.source().watch({});
  db.sql(
      "insert into river_job (queue) values ('default'); select pg_notify('public.river_insert', "
      "'{\"queue\":\"default\"}')");
  EXPECT_EQ(reader.with_backlog(1).num_pending, 1u);
  EXPECT_EQ(woken, 2);
}

TEST(PostgresWake, AQueryWakesByAChannelOfTheUsersOwn) {
  Database db("create table jobs (n int)");
  auto spec = query_of(db.url(), "select count(*) from jobs");
  EXPECT_THAT(PostgresReader(spec).source().watch_gap(), HasSubstr("without queue.listen"));
  spec.listen = "New \"jobs\"";
  PostgresReader reader(spec);
  EXPECT_EQ(reader.source().watch_gap(), "");
  std::atomic<bool> woken = false;
  reader.source().watch([&] { woken = true; });
  db.sql("insert into jobs values (1); select pg_notify('New \"jobs\"', '')");
  EXPECT_TRUE(eventually([&] { return woken.load(); }));
}

// --- Many services ---

TEST(PostgresMany, AHundredQueuesAreOneQueryOnOneConnection) {
  Database db(std::string(kRiverTables) + kRiverIndexes +
              "insert into river_job (queue) select 'q' || n % 100 from generate_series(0, 299) n");
  PgConnections connections;
  auto table = std::make_shared<FrameworkTable>(*pg_framework_named("river"), "");
  // The server tells what is sent to it.
  db.sql("create role hundred login superuser; alter role hundred set log_statement = 'all'");
  const auto sent = [&](const std::string& statement) {
    const auto log = db.server.log();
    std::uint64_t n = 0;
    for (auto at = log.find(statement); at != std::string::npos; at = log.find(statement, at + 1)) ++n;
    return n;
  };
  const auto login = PgLogin::from(jobs_of(db.url("hundred"), "river"));
  std::vector<std::unique_ptr<PostgresSource>> sources;
  for (int i = 0; i < 100; ++i)
    sources.push_back(std::make_unique<PostgresSource>(connections.get(login), table,
                                                       jobs_of(db.url(), "river", {fmt::format("q{}", i)})));
  std::atomic<int> answers = 0, right = 0;
  const auto read_all = [&](int until) {
    for (auto& s : sources) {
      s->read({seconds(30), {}}, [&](const Result<Reading>& r) {
        right += r && r->queue->num_pending == 3;
        ++answers;
      });
    }
    EXPECT_TRUE(eventually([&] { return answers == until; }));
    EXPECT_EQ(right, until);
  };
  read_all(100);
  const auto first = table->asked();
  read_all(200);
  EXPECT_LE(table->asked() - first, 20u)
      << "those who ask at the same instant share one (on a machine that stands still, some)";
  EXPECT_TRUE(eventually([&] { return sent("LOG:  statement: ROLLBACK") == table->asked(); }));
  EXPECT_EQ(sent("LOG:  execute <unnamed>: with live"), table->asked()) << "one statement for all";
  EXPECT_EQ(sent("LOG:  statement: ") + sent("LOG:  execute "), 3 * table->asked())
      << "in a transaction that only reads, and nothing else";
  EXPECT_EQ(db.sql("select count(*) from pg_stat_activity where application_name = 'docktor' and datname = "
                   "current_database()"),
            "1");
  for (auto& s : sources) s->read({seconds(30), {}}, [&](const Result<Reading>&) { ++answers; });
  sources.clear();
  EXPECT_EQ(answers, 300) << "a source that goes answers what was asked";
}

}  // namespace
}  // namespace docktor::test
