// Queues that a query of the user's own describes: what is a figure, what is no data, and that nothing hurts the server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <string>

#include "core/flow.h"
#include "tests/postgres/database.h"
#include "tests/postgres/tables.h"

namespace docktor::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PostgresQuery, FiguresAreTakenByTheNameOfTheirColumn) {
  Database db("create table jobs (state text); insert into jobs select 'new' from generate_series(1, 7)");
  PostgresReader reader(query_of(db.url(), "select count(*) from jobs where state = 'new'"));
  auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 7u);
  EXPECT_FALSE(s.num_ack_pending || s.scheduled || s.dead || s.consumers || s.oldest_age ||
               s.totals.arrived || s.totals.settled);
  PostgresReader all(
      query_of(db.url(),
               "select 1.2 as backlog, '3' as in_hand, 4 as scheduled, 5 as dead, 6::float as consumers, "
               "7.5 as oldest_age, 8 as arrived, 9 as settled;\n"));
  s = all.sample();
  EXPECT_EQ(s.num_pending, 2u) << "a fraction is rounded up";
  EXPECT_EQ(s.num_ack_pending, 3u);
  EXPECT_EQ(s.scheduled, 4u);
  EXPECT_EQ(s.dead, 5u);
  EXPECT_EQ(s.consumers, 6u);
  EXPECT_EQ(s.oldest_age, Duration(milliseconds(7500)));
  EXPECT_EQ(s.totals.arrived, 8u);
  EXPECT_EQ(s.totals.settled, 9u);
  EXPECT_THAT(all.findings(), HasSubstr("the query: 2 waiting, 3 in hand, 4 scheduled, 5 dead, 6 workers"));
  EXPECT_THAT(reader.findings(),
              HasSubstr("7 waiting, in hand not told; neither arrived nor settled: no rates"));
}

TEST(PostgresQuery, WhatIsNoFigureIsNoDataAndNeverZero) {
  Database db("create table jobs (n int)");
  const auto message = [&](const std::string& query, ErrorCode code) {
    return PostgresReader(query_of(db.url(), query)).error(code).message;
  };
  EXPECT_THAT(message("select sum(n) from jobs", ErrorCode::kNotFound),
              HasSubstr("backlog is NULL: write coalesce("));
  EXPECT_THAT(message("select n from jobs", ErrorCode::kNotFound), HasSubstr("the query has no row"));
  EXPECT_THAT(message("select 1 union all select 2", ErrorCode::kInvalid), HasSubstr("several rows"));
  EXPECT_THAT(message("select -3 as backlog", ErrorCode::kInvalid), HasSubstr("backlog is \"-3\""));
  EXPECT_THAT(message("select 'NaN'::float as backlog", ErrorCode::kInvalid),
              HasSubstr("backlog is \"NaN\""));
  EXPECT_THAT(message("select 1 as backlog, 'soon' as in_hand", ErrorCode::kInvalid),
              HasSubstr("in_hand is \"soon\""));
  EXPECT_THAT(message("select 1 as backlog, interval '5 min' as oldest_age", ErrorCode::kInvalid),
              HasSubstr("extract(epoch from"));
  EXPECT_THAT(message("select 1 as backlog, 2 as in_flight", ErrorCode::kInvalid),
              HasSubstr("column \"in_flight\" is no figure; figures are backlog, in_hand"));
  EXPECT_THAT(message("select 1 as in_hand, 2 as dead", ErrorCode::kNotFound),
              HasSubstr("no column backlog"));
  EXPECT_THAT(message("select count(*) from gone", ErrorCode::kNotFound),
              HasSubstr("relation \"gone\" does not exist"));
  EXPECT_FALSE(
      PostgresReader(query_of(db.url(), "select 1 as backlog, null as in_hand")).sample().num_ack_pending);
}

TEST(PostgresQuery, ATotalThatIsNullFirstIsToldAndCountsFromTheSecondNumberOn) {
  Database db("create table jobs (id serial, done bool not null default false)");
  const std::string from = "select count(*) filter (where not done) as backlog, ";
  PostgresReader reader(query_of(db.url(), from + "max(id) as arrived from jobs"));
  const auto empty = reader.sample();
  EXPECT_FALSE(empty.totals.arrived);
  EXPECT_THAT(
      reader.findings(),
      AllOf(HasSubstr("ok: the query: 0 waiting, in hand not told\n"),
            HasSubstr("warning: arrived is NULL now, which is no data: no rates while it is so -> where "
                      "NULL means 0, write coalesce(..., 0) as arrived")));
  db.sql("insert into jobs select from generate_series(1, 5)");
  const auto first = reader.sample();
  const auto unknown = flow_between(empty, first, seconds(1));
  EXPECT_FALSE(unknown.flow || unknown.reset) << "not that five came, nor that none did";
  db.sql("insert into jobs select from generate_series(1, 7); update jobs set done = true where id <= 2");
  const auto f = flow_between(first, reader.sample(), seconds(1));
  ASSERT_TRUE(f.flow);
  EXPECT_EQ(f.flow->arrivals, 7);
  EXPECT_EQ(f.flow->settled, 2);
  EXPECT_THAT(reader.findings(), Not(HasSubstr("NULL")));
  // Of an empty queue no message has an age: that is no mistake of the query's.
  PostgresReader right(
      query_of(db.url(), from + "coalesce(max(id), 0) as arrived, null as oldest_age from jobs"));
  EXPECT_THAT(right.findings(), Not(HasSubstr("warning")));
}

TEST(PostgresQuery, NothingIsEverWritten) {
  Database db(
      "create table jobs (n int); create sequence s; create function put() returns int language sql as "
      "'insert into jobs values (1) returning n'");
  const auto refused = [&](const std::string& query) {
    const auto e = PostgresReader(query_of(db.url(), query)).error(ErrorCode::kInvalid).message;
    EXPECT_EQ(db.sql("select count(*) from jobs"), "0") << query;
    return e;
  };
  EXPECT_THAT(refused("select put()"), HasSubstr("the query wants to write, and docktor only reads"));
  EXPECT_THAT(refused("select nextval('s')"), HasSubstr("only reads"));
  refused("select 1) as x; commit; insert into jobs values (1); select * from (select 1");
  refused("with w as (insert into jobs values (1) returning 1) select count(*) from w");
  refused("insert into jobs values (1)");
  refused("commit");
  EXPECT_EQ(PostgresReader(query_of(db.url(), "select count(*) from jobs -- a comment")).sample().num_pending,
            0u);
}

TEST(PostgresQuery, ASlowQueryIsEndedByTheServerAndTheConnectionLives) {
  Database db("create table jobs (n int)");
  PostgresReader slow(query_of(db.url(), "select count(*) from pg_sleep(60)"));
  const auto r = slow.read(milliseconds(300));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(r.error().message, HasSubstr("ended by its time-out"));
  EXPECT_EQ(
      db.sql(
          "select count(*) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid() "
          "and state = 'active'"),
      "0");
}

TEST(PostgresQuery, ALockedTableIsNoDataAndHoldsUpNobodyElse) {
  Database db("create table jobs (n int); create table others (n int)");
  PostgresReader reader(query_of(db.url(), "select count(*) from jobs"));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  PGconn* locker = PQconnectdb(db.url().c_str());
  PQclear(PQexec(locker, "begin; lock table jobs"));
  const auto r = reader.read(milliseconds(400));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(r.error().message, HasSubstr("the table is locked (a migration?)"));
  PQfinish(locker);
  EXPECT_EQ(reader.sample().num_pending, 0u);
}

TEST(PostgresQuery, AnAnswerWithoutEndIsCutOff) {
  Database db;
  PostgresReader reader(query_of(db.url(), "select repeat('x', 30000000)"));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message, HasSubstr("more than 10 kB"));
}

}  // namespace
}  // namespace docktor::test
