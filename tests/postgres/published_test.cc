// The lives of jobs of Oban and Solid Queue, which run on Elixir and Rails: on the tables of their published migrations, by
// the statements with which they put jobs in, take, finish, retry, give up, rescue and purge them (Oban 2.23,
// lib/oban/engines/basic.ex; Solid Queue 1.5, app/models/solid_queue). What is read is what they count themselves.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/flow.h"
#include "tests/postgres/database.h"
#include "tests/postgres/tables.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;

// {0}: how many, or a state; {1}: when.
struct Statements {
  const char* framework;
  std::string tables;
  const char* put;         // {0} jobs, to run at once
  const char* put_later;   // {0} jobs, in an hour
  const char* take;        // one, by a worker
  const char* finish;      // what is in hand
  const char* retry;       // what is in hand failed, and is tried again in an hour
  const char* give_up;     // what is in hand failed for good
  const char* come_due;    // the time of what was put for later is over
  const char* stage;       // it gives them to its workers
  const char* rescue;      // what a dead worker had, when it finds that out
  const char* retry_dead;  // by hand
  const char* purge;
  const char* count;    // "ready in-hand later dead", as it counts
  const char* rescued;  // what is read then: a dead worker's job waits again, or has failed
  const char* retried;
  const char* purged;
};

const Statements kOban = {
    .framework = "oban",
    .tables = std::string(kObanTables) + kObanIndexes,
    .put = "insert into oban_jobs (queue) select 'mail' from generate_series(1, {0})",
    .put_later =
        "insert into oban_jobs (queue, state, scheduled_at) select 'mail', 'scheduled', "
        "timezone('UTC', now()) + interval '1 h' from generate_series(1, {0})",
    .take =
        "with subset as materialized (select id from oban_jobs where state = 'available' and queue = 'mail' "
        "order by priority, scheduled_at, id limit 1 for update skip locked) "
        "update oban_jobs j set state = 'executing', attempt = attempt + 1, attempted_at = timezone('UTC', "
        "now()), "
        "attempted_by = '{node}' from subset where j.id = subset.id and j.attempt < j.max_attempts",
    .finish =
        "update oban_jobs set state = 'completed', completed_at = timezone('UTC', now()) where state = "
        "'executing'",
    .retry =
        "update oban_jobs set state = 'retryable', scheduled_at = timezone('UTC', now()) + interval '1 h', "
        "errors = errors || '{}'::jsonb where state = 'executing'",
    .give_up =
        "update oban_jobs set state = 'discarded', discarded_at = timezone('UTC', now()) where state = "
        "'executing'",
    .come_due =
        "update oban_jobs set scheduled_at = timezone('UTC', now()) - interval '1 s' where state = "
        "'scheduled'",
    .stage =
        "update oban_jobs set state = 'available' where state in ('scheduled', 'retryable') and scheduled_at "
        "<= "
        "timezone('UTC', now())",
    .rescue = "update oban_jobs set state = 'available' where state = 'executing' and attempt < max_attempts",
    .retry_dead =
        "update oban_jobs set state = 'available', max_attempts = greatest(max_attempts, attempt + 1), "
        "scheduled_at = timezone('UTC', now()), discarded_at = null where state = 'discarded'",
    .purge = "delete from oban_jobs where queue = 'mail' and state <> 'executing'",
    .count =
        "select format('%s %s %s %s', count(*) filter (where state = 'available'), count(*) filter (where "
        "state = 'executing'), count(*) filter (where state in ('scheduled', 'retryable')), count(*) filter "
        "(where state = 'discarded')) from oban_jobs where queue = 'mail'",
    .rescued = "4 0 1 1",
    .retried = "5 0 1 0",
    .purged = "0 0 0 0",
};

const Statements kSolidQueue = {
    .framework = "solid-queue",
    .tables = std::string(kSolidQueueTables) + kSolidQueueIndexes,
    .put =
        "with j as (insert into solid_queue_jobs (queue_name) select 'mail' from generate_series(1, {0}) "
        "returning id) "
        "insert into solid_queue_ready_executions (job_id, queue_name) select id, 'mail' from j",
    .put_later =
        "with j as (insert into solid_queue_jobs (queue_name, scheduled_at) select 'mail', timezone('UTC', "
        "now()) + "
        "interval '1 h' from generate_series(1, {0}) returning id, scheduled_at) "
        "insert into solid_queue_scheduled_executions (job_id, queue_name, scheduled_at) select id, 'mail', "
        "scheduled_at from j",
    .take =
        "with c as (delete from solid_queue_ready_executions where id in (select id from "
        "solid_queue_ready_executions "
        "where queue_name = 'mail' order by priority, job_id limit 1 for update skip locked) returning "
        "job_id) "
        "insert into solid_queue_claimed_executions (job_id, process_id) select job_id, 1 from c",
    .finish =
        "with c as (delete from solid_queue_claimed_executions returning job_id) update solid_queue_jobs set "
        "finished_at = timezone('UTC', now()) where id in (select job_id from c)",
    // Active Job's retry_on puts a new job in, and the one that failed is finished.
    .retry =
        "with c as (delete from solid_queue_claimed_executions returning job_id), f as (update "
        "solid_queue_jobs set "
        "finished_at = timezone('UTC', now()) where id in (select job_id from c)), j as (insert into "
        "solid_queue_jobs "
        "(queue_name, scheduled_at) select 'mail', timezone('UTC', now()) + interval '2 h' from c returning "
        "id, "
        "scheduled_at) insert into solid_queue_scheduled_executions (job_id, queue_name, scheduled_at) "
        "select id, "
        "'mail', scheduled_at from j",
    .give_up =
        "with c as (delete from solid_queue_claimed_executions returning job_id) insert into "
        "solid_queue_failed_executions (job_id) select job_id from c",
    .come_due =
        "update solid_queue_scheduled_executions set scheduled_at = timezone('UTC', now()) - interval '1 s' "
        "where "
        "scheduled_at < timezone('UTC', now()) + interval '90 minutes'",
    .stage =
        "with d as (delete from solid_queue_scheduled_executions where scheduled_at <= timezone('UTC', "
        "now()) returning "
        "job_id, queue_name) insert into solid_queue_ready_executions (job_id, queue_name) select * from d",
    .rescue =
        "with c as (delete from solid_queue_claimed_executions returning job_id) insert into "
        "solid_queue_failed_executions (job_id, error) select job_id, 'ProcessPrunedError' from c",
    .retry_dead =
        "with f as (delete from solid_queue_failed_executions returning job_id) insert into "
        "solid_queue_ready_executions (job_id, queue_name) select job_id, 'mail' from f",
    .purge =
        "with r as (delete from solid_queue_ready_executions where queue_name = 'mail' returning job_id) "
        "delete from "
        "solid_queue_jobs where id in (select job_id from r)",
    .count =
        "select format('%s %s %s %s', (select count(*) from solid_queue_ready_executions where queue_name = "
        "'mail'), (select count(*) from solid_queue_claimed_executions), (select count(*) from "
        "solid_queue_scheduled_executions where queue_name = 'mail'), (select count(*) from "
        "solid_queue_failed_executions))",
    .rescued = "3 0 1 2",
    .retried = "5 0 1 0",
    .purged = "0 0 1 0",
};

class PublishedTables : public testing::TestWithParam<const Statements*> {
 protected:
  void run(const char* statement, int count = 1) {
    std::string sql = statement;
    if (const auto at = sql.find("{0}"); at != std::string::npos) sql.replace(at, 3, std::to_string(count));
    db.sql(sql);
  }
  std::string own() const { return db.sql(s.count); }
  std::string read() {
    const auto q = reader.sample();
    EXPECT_TRUE(q.dead) << "told";
    return fmt::format("{} {} {} {}", q.num_pending, q.in_hand(), q.scheduled.value_or(0),
                       q.dead.value_or(0));
  }
  /// As they count, too.
  void expect(const std::string& figures, const std::string& why) {
    EXPECT_EQ(read(), figures) << why;
    EXPECT_EQ(own(), figures) << why;
  }

  const Statements& s = *GetParam();
  Database db{s.tables};
  PostgresReader reader{jobs_of(db.url(), s.framework, {"mail"})};
};

TEST_P(PublishedTables, AreReadAsTheyAreThroughAScriptedLife) {
  const auto before = reader.sample();
  run(s.put, 5);
  run(s.put_later, 2);
  expect("5 0 2 0", "put in");
  const auto flow = flow_between(before, reader.sample(), std::chrono::seconds(1));
  ASSERT_TRUE(flow.flow);
  EXPECT_EQ(flow.flow->arrivals, 5) << "of those that wait for their time none has come";
  run(s.take);
  expect("4 1 2 0", "one is worked on");
  run(s.finish);
  expect("4 0 2 0", "it is done");
  run(s.take);
  run(s.retry);
  expect("3 0 3 0", "one that failed waits for its next try");
  run(s.take);
  run(s.give_up);
  expect("2 0 3 1", "one that failed for good is dead");
  run(s.come_due);
  EXPECT_EQ(read(), "4 0 1 1") << "their time has come, which nobody but a running worker sees";
  EXPECT_EQ(own(), "2 0 3 1");
  run(s.stage);
  expect("4 0 1 1", "and now it has");
  run(s.take);
  expect("3 1 1 1", "of a worker that dies");
  run(s.rescue);
  expect(s.rescued, "when that is found out");
  run(s.retry_dead);
  expect(s.retried, "the dead are tried again by hand");
  run(s.purge);
  expect(s.purged, "purged");
  EXPECT_THAT(reader.findings(), HasSubstr("mail: 0 waiting, 0 in hand"));
  db.sql(fmt::format("drop table {} cascade",
                     s.framework == std::string("oban") ? "oban_jobs" : "solid_queue_ready_executions"));
  (void)reader.error(ErrorCode::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Frameworks, PublishedTables, testing::Values(&kOban, &kSolidQueue),
                         [](const auto& i) {
                           return std::string(i.param == &kOban ? "oban" : "solid_queue");
                         });

}  // namespace
}  // namespace docktor::test
