// Behind PgBouncer, which gives a session of the server's to whoever has a transaction just now: readings go on, and what a
// session keeps is neither trusted nor left behind in one that is an application's next.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/postgres/database.h"
#include "tests/postgres/tables.h"
#include "tests/support/child_server.h"

namespace docktor::test {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

using Session = std::unique_ptr<PGconn, decltype(&PQfinish)>;

class Pooler {
 public:
  /// Two sessions of the server's for all of its clients.
  Pooler(const PostgresServer& server, const std::string& mode, const std::string& more = {}) {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
    child_.start(
        [&](int port) {
          const auto file = dir_.file(
              "pgbouncer.ini",
              fmt::format("[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\n"
                          "listen_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\nauth_type = any\n"
                          "pool_mode = {}\ndefault_pool_size = 2\nserver_login_retry = 1\n{}\n",
                          server.port(), port, mode, more));
          std::filesystem::permissions(file, std::filesystem::perms(0644));
          std::vector<std::string> words = {"pgbouncer"};
          if (::getuid() == 0) words.insert(words.end(), {"-u", "postgres"});
          words.push_back(file);
          return words;
        },
        [&] {
          return PQping(fmt::format("host=127.0.0.1 port={} dbname=postgres", child_.port()).c_str()) ==
                 PQPING_OK;
        });
  }
  std::string url(const std::string& database) const {
    return fmt::format("postgres://postgres@127.0.0.1:{}/{}", child_.port(), database);
  }
  Session session(const std::string& database) const {
    return {PQconnectdb(url(database).c_str()), PQfinish};
  }

 private:
  TempDir dir_;
  ChildServer child_{(dir_.path() / "log").string()};
};

std::string say(const Session& session, const std::string& statement) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> r(PQexec(session.get(), statement.c_str()), PQclear);
  EXPECT_THAT(PQresultStatus(r.get()), ::testing::AnyOf(PGRES_TUPLES_OK, PGRES_COMMAND_OK))
      << PQerrorMessage(session.get());
  return PQntuples(r.get()) > 0 ? PQgetvalue(r.get(), 0, 0) : "";
}

class BehindPgBouncer : public testing::Test {
 protected:
  PostgresSpec spec(const Pooler& pooler) const { return jobs_of(pooler.url(db.name), "river", {"default"}); }
  void put() const { db.sql("insert into river_job (queue) values ('default')"); }

  const Database db{std::string(kRiverTables) + kRiverIndexes};
};

class PgBouncerMode : public BehindPgBouncer, public testing::WithParamInterface<const char*> {};

TEST_P(PgBouncerMode, ReadingsWorkAndNobodyListensInASessionThatIsAnothersNext) {
  const Pooler pooler(db.server, GetParam());
  const bool transactions = GetParam() == std::string("transaction");
  PostgresReader reader(spec(pooler));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  std::atomic<bool> woken = false;
  reader.source().watch([&] { woken = true; });
  EXPECT_TRUE(eventually([&] {
    (void)reader.sample();
    return reader.source().watch_gap().find("a pooler of connections stands before the server") !=
           std::string::npos;
  })) << reader.source().watch_gap();
  EXPECT_THAT(reader.findings(), HasSubstr("warning: a pooler of connections stands before the server"));
  const auto first = pooler.session(db.name), second = pooler.session(db.name);
  for (unsigned n = 1; n <= 20; ++n) {
    // One of the two sessions is taken, now this and now that one.
    if (transactions) say(n % 2 == 0 ? first : second, "begin");
    put();
    db.sql("select pg_notify('public.river_insert', '')");
    const auto s = reader.sample();
    EXPECT_EQ(s.num_pending, n);
    EXPECT_TRUE(s.totals.arrived);
    if (transactions) say(n % 2 == 0 ? first : second, "rollback");
  }
  EXPECT_FALSE(woken) << "a reading that comes soon finds what a notification would have told";
  if (!transactions) return;
  // Both of the server's sessions, as an application has them after docktor.
  say(first, "begin");
  say(second, "begin");
  EXPECT_NE(say(first, "select pg_backend_pid()"), say(second, "select pg_backend_pid()"));
  for (const auto* session : {&first, &second}) {
    EXPECT_EQ(say(*session, "select count(*) from pg_listening_channels()"), "0");
    EXPECT_EQ(say(*session, "select count(*) from pg_prepared_statements"), "0");
    EXPECT_EQ(say(*session, "show statement_timeout"), "0");
    EXPECT_EQ(say(*session, "show transaction_read_only"), "off");
    EXPECT_EQ(PQnotifies(session->get()), nullptr) << "what it never asked for";
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, PgBouncerMode, testing::Values("transaction", "session"),
                         [](const auto& i) { return std::string(i.param); });

TEST_F(BehindPgBouncer, ThatItHasNoSessionLeftAndThatTheServerIsGoneIsNoDataUntilItIsOver) {
  PostgresServer its_own;
  its_own.sql(std::string(kRiverTables) + kRiverIndexes + "insert into river_job (queue) values ('default')");
  const Pooler pooler(its_own, "transaction");
  PostgresReader reader(jobs_of(pooler.url("postgres"), "river", {"default"}));
  EXPECT_EQ(reader.sample().num_pending, 1u);
  {
    const auto first = pooler.session("postgres"), second = pooler.session("postgres");
    say(first, "begin");
    say(second, "begin");
    const auto r = reader.read(milliseconds(500));
    ASSERT_FALSE(r) << "never 0";
    EXPECT_THAT(r.error().code, ::testing::AnyOf(ErrorCode::kTimeout, ErrorCode::kUnavailable));
  }
  EXPECT_EQ(reader.sample().num_pending, 1u);
  its_own.kill();
  const auto gone = reader.read(milliseconds(500));
  ASSERT_FALSE(gone);
  its_own.start();
  EXPECT_EQ(reader.sample().num_pending, 1u);
}

// libpq asks for what `options` says when it connects; PgBouncer refuses what it cannot give to each of its clients.
TEST_F(BehindPgBouncer, AnOptionThatItRefusesIsToldWithTheCure) {
  put();
  const Pooler strict(db.server, "transaction");
  auto odd = spec(strict);
  odd.url += "?options=-c%20statement_timeout%3D5s";
  EXPECT_THAT(PostgresReader(odd).error(ErrorCode::kDenied).message,
              HasSubstr("takes no options: leave them out of queue.url, or name them in PgBouncer's "
                        "ignore_startup_parameters"));
  const Pooler lenient(db.server, "transaction", "ignore_startup_parameters = options");
  odd.url = spec(lenient).url + "?options=-c%20statement_timeout%3D5s";
  EXPECT_EQ(PostgresReader(odd).sample().num_pending, 1u);
}

TEST_F(BehindPgBouncer, WithoutOneNoneIsTold) {
  PostgresReader reader(jobs_of(db.url(), "river", {"default"}));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  EXPECT_THAT(reader.findings(), Not(HasSubstr("pooler")));
}

}  // namespace
}  // namespace docktor::test
