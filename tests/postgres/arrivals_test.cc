// Arrivals, counted by the ids of the latest jobs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>

#include "core/flow.h"
#include "tests/postgres/database.h"
#include "tests/postgres/tables.h"

namespace docktor::test {
namespace {

using std::chrono::seconds;

TEST(PostgresArrivals, AreWhatCameAndNotWhatWaitsForItsTimeOrIsTriedAgain) {
  Database db(std::string(kRiverTables) + kRiverIndexes);
  db.sql("insert into river_job (queue) select 'default' from generate_series(1, 100)");
  PostgresReader reader(jobs_of(db.url(), "river", {"default"}));
  auto before = reader.sample();
  const auto since = [&] {
    const auto now = reader.sample();
    const auto f = flow_between(before, now, seconds(1));
    EXPECT_TRUE(f.flow && !f.reset);
    before = now;
    return f.flow ? std::pair(f.flow->arrivals, f.flow->settled) : std::pair(-1.0, -1.0);
  };
  db.sql(
      "insert into river_job (queue) select 'default' from generate_series(1, 7); insert into river_job "
      "(queue) values ('mail')");
  EXPECT_EQ(since(), std::pair(7.0, 0.0));
  db.sql("update river_job set state = 'completed', finalized_at = now() where id <= 30");
  EXPECT_EQ(since(), std::pair(0.0, 30.0));
  db.sql("insert into river_job (state, scheduled_at) values ('scheduled', now() + interval '1 h')");
  EXPECT_EQ(since(), std::pair(0.0, 0.0));
  db.sql("update river_job set scheduled_at = now() where state = 'scheduled'");
  EXPECT_EQ(since(), std::pair(1.0, 0.0)) << "its time has come";
  db.sql("update river_job set state = 'running' where id = 31");
  EXPECT_EQ(since(), std::pair(0.0, 0.0));
  db.sql(
      "update river_job set state = 'retryable', scheduled_at = now() + interval '1 h' where id = 31; "
      "insert into river_job (queue) values ('default'), ('default')");
  EXPECT_EQ(since(), std::pair(2.0, 1.0)) << "one that failed hides nobody that comes";
  db.sql("update river_job set scheduled_at = now() where id = 31");
  EXPECT_EQ(since().first, 0.0) << "it came before";
}

TEST(PostgresArrivals, AreNotToldWhereJobsAreDeletedAsSoonAsTheyAreDone) {
  Database db(std::string(kProcrastinateTables) + kProcrastinateIndexes);
  PostgresReader reader(jobs_of(db.url(), "procrastinate", {"default"}));
  EXPECT_TRUE(reader.sample().totals.arrived);
  db.sql("insert into procrastinate_jobs (status) select 'todo' from generate_series(1, 9)");
  EXPECT_EQ(reader.sample().totals.arrived, 9u);
  db.sql("delete from procrastinate_jobs where id <= 5");
  const auto s = reader.sample();
  EXPECT_FALSE(s.totals.arrived) << "what is counted is too little";
  EXPECT_EQ(s.num_pending, 4u);
}

TEST(PostgresArrivals, BeginAnewQuietlyWhereTheTableIsEmptied) {
  Database db(std::string(kRiverTables) + kRiverIndexes);
  db.sql("insert into river_job (queue) select 'default' from generate_series(1, 50)");
  PostgresReader reader(jobs_of(db.url(), "river", {"default"}));
  const auto before = reader.sample();
  db.sql("truncate river_job restart identity");
  const auto empty = reader.sample();
  EXPECT_EQ(empty.num_pending, 0u);
  EXPECT_GE(empty.totals.arrived.value_or(0), before.totals.arrived.value_or(0));
  db.sql("insert into river_job (queue) select 'default' from generate_series(1, 3)");
  const auto f = flow_between(empty, reader.sample(), seconds(1));
  ASSERT_TRUE(f.flow);
  EXPECT_EQ(f.flow->arrivals, 3);
}

// The time that arrivals are counted by, moved by the test.
class PostgresArrivalsInTime : public testing::Test {
 protected:
  QueueSample after(seconds s) {
    now_ = now_.load() + s;
    return reader.sample();
  }
  void put(int count) {
    db.sql(fmt::format("insert into river_job (queue) select 'default' from generate_series(1, {})", count));
  }

  Database db{std::string(kRiverTables) + kRiverIndexes};
  std::atomic<std::chrono::steady_clock::time_point> now_{std::chrono::steady_clock::now()};
  PostgresReader reader{jobs_of(db.url(), "river", {"default"}), [this] { return now_.load(); }};
};

TEST_F(PostgresArrivalsInTime, AreEachCountedOnceWhileTheIdsTheyAreCountedFromMoveOn) {
  const auto first = reader.sample();
  std::uint64_t put_in = 0;
  for (int round = 0; round < 20; ++round) {
    put(round);
    db.sql(
        "insert into river_job (queue) values ('mail'); begin; insert into river_job default values; "
        "rollback");
    put_in += static_cast<std::uint64_t>(round);
    const auto s = after(seconds(3));
    EXPECT_EQ(s.totals.arrived, put_in) << "round " << round;
    EXPECT_EQ(s.totals.incarnation, first.totals.incarnation);
  }
}

TEST_F(PostgresArrivalsInTime, OfATransactionAreCountedWhenItCommitsAndMissedOnlyWhereItTookLong) {
  put(1);
  reader.sample();
  const auto committed_after = [&](std::initializer_list<int> waits) {
    const std::unique_ptr<PGconn, decltype(&PQfinish)> slow(PQconnectdb(db.url().c_str()), PQfinish);
    PQclear(PQexec(slow.get(), "begin; insert into river_job default values"));
    const auto before = reader.sample();
    for (const int s : waits) {
      put(1);  // whose id is a later one
      after(seconds(s));
    }
    PQclear(PQexec(slow.get(), "commit"));
    const auto s = reader.sample();
    EXPECT_EQ(s.num_pending, before.num_pending + waits.size() + 1);
    return *s.totals.arrived - *before.totals.arrived - waits.size();
  };
  EXPECT_EQ(committed_after({4, 4}), 1u);
  EXPECT_EQ(committed_after({11, 11, 11}), 0u);
}

TEST_F(PostgresArrivalsInTime, AreToldAgainAWhileAfterTheLastJobWasDeletedEarly) {
  reader.sample();
  put(9);
  EXPECT_EQ(reader.sample().totals.arrived, 9u);
  db.sql("delete from river_job where id <= 5");
  EXPECT_FALSE(reader.sample().totals.arrived);
  EXPECT_FALSE(after(seconds(50)).totals.arrived);
  const auto told = after(seconds(15));
  EXPECT_EQ(told.totals.arrived, 9u) << "those that are gone had come";
  put(3);
  const auto f = flow_between(told, reader.sample(), seconds(1));
  ASSERT_TRUE(f.flow);
  EXPECT_EQ(f.flow->arrivals, 3);
}

TEST_F(PostgresArrivalsInTime, OfAMinuteWithoutAnAnswerAreNotCounted) {
  const auto before = reader.sample();
  put(7);
  const auto back = after(seconds(61));
  EXPECT_TRUE(flow_between(before, back, seconds(61)).reset);
  put(3);
  EXPECT_EQ(flow_between(back, reader.sample(), seconds(1)).flow.value().arrivals, 3);
}

}  // namespace
}  // namespace docktor::test
