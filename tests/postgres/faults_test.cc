// What the server's side can do wrong: each fault is an error of the right kind that says what to do, never a zero, and
// goes by itself.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/postgres/reader.h"
#include "tests/postgres/tables.h"
#include "tests/support/test_pki.h"

namespace docktor::test {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A server of its own: these tests end it and change its settings.
class PostgresFaults : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = new PostgresServer("max_connections = 12");
    server->sql(std::string(kRiverTables) + kRiverIndexes +
                "insert into river_job (queue) values ('default')");
  }
  static void TearDownTestSuite() { delete server; }

  PostgresSpec spec(const std::string& user = "postgres") const {
    return jobs_of(server->url("postgres", user), "river", {"default"});
  }

  /// How often it stands in the server's log.
  static int logged(const std::string& what) {
    const auto log = server->log();
    int n = 0;
    for (auto at = log.find(what); at != std::string::npos; at = log.find(what, at + 1)) ++n;
    return n;
  }

  static PostgresServer* server;
};
PostgresServer* PostgresFaults::server = nullptr;

TEST_F(PostgresFaults, NobodyListensThenTheServerComesIsKilledAndComesBack) {
  server->stop();
  PostgresReader reader(spec());
  const auto e = reader.error(ErrorCode::kUnavailable);
  EXPECT_THAT(e.message, HasSubstr(fmt::format("127.0.0.1:{} cannot be reached", server->port())));
  EXPECT_THAT(e.message, HasSubstr("Connection refused"));
  EXPECT_EQ(reader.error(ErrorCode::kUnavailable).message, e.message) << "so that a log can tell it once";
  server->start();
  EXPECT_EQ(reader.sample().num_pending, 1u);
  const auto before = reader.sample().totals;
  for (int round = 0; round < 2; ++round) {
    if (round == 0)
      server->kill();
    else
      server->stop();
    reader.error(ErrorCode::kUnavailable);
    server->start();
    EXPECT_EQ(reader.sample().num_pending, 1u);
  }
  EXPECT_EQ(reader.sample().totals, before) << "a restart makes no arrivals";
}

TEST_F(PostgresFaults, AListenerHearsAgainAfterTheServersRestart) {
  server->sql("delete from river_job");
  PostgresReader reader(spec());
  EXPECT_EQ(reader.sample().num_pending, 0u);
  std::atomic<int> woken = 0;
  reader.source().watch([&] { ++woken; });
  server->kill();
  reader.error(ErrorCode::kUnavailable);
  server->start();
  EXPECT_EQ(reader.sample().num_pending, 0u);
  server->sql(
      "insert into river_job (queue) values ('default'); select pg_notify('public.river_insert', '')");
  EXPECT_TRUE(eventually([&] { return woken == 1; }));
}

TEST_F(PostgresFaults, AServerThatStandsStillIsATimeout) {
  PostgresReader reader(spec());
  EXPECT_EQ(reader.sample().num_pending, 1u);
  server->pause();
  const auto r = reader.read(milliseconds(300));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(r.error().message, HasSubstr("stands still"));
  const auto again = reader.read(milliseconds(300));
  server->resume();
  ASSERT_FALSE(again);
  EXPECT_EQ(reader.sample().num_pending, 1u);
}

TEST_F(PostgresFaults, OutOfConnectionsIsToldAndNeverMoreThanOneIsTaken) {
  PostgresReader early(spec());
  EXPECT_EQ(early.sample().num_pending, 1u);
  server->sql("create role few login; grant select on river_job, river_queue to few");
  std::vector<PGconn*> held;
  for (int i = 0; i < 20; ++i) held.push_back(PQconnectdb(server->url("postgres", "few").c_str()));
  PostgresReader late(spec("few"));
  EXPECT_THAT(late.error(ErrorCode::kUnavailable).message, HasSubstr("has no connection left"));
  const auto tries = logged("remaining connection slots");
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(late.read());
  EXPECT_LT(logged("remaining connection slots"), tries + 25) << "it is not tried again with each reading";
  EXPECT_EQ(early.sample().num_pending, 1u) << "who has one keeps it";
  for (auto* c : held) PQfinish(c);
  EXPECT_EQ(late.sample().num_pending, 1u);
  EXPECT_EQ(server->sql("select count(*) from pg_stat_activity where application_name = 'docktor'"), "2");
}

// Services share a connection: a table that is locked and a query without end must not keep it from the others.
TEST_F(PostgresFaults, ALockOrASlowQueryIsToldAskedAgainLaterAndLeavesTheConnectionToTheOthers) {
  server->sql("create table mine (n int); create table others (n int)");
  const auto shared = std::make_shared<PgConnections>();
  const auto query = [&](const std::string& q) { return query_of(spec().url, q); };
  PostgresReader river(spec(), shared), mine(query("select count(*) from mine"), shared),
      slow(query("select count(*) from pg_sleep(60)"), shared),
      other(query("select count(*) from others"), shared);
  EXPECT_EQ(river.sample().num_pending, 1u);
  EXPECT_EQ(mine.sample().num_pending, 0u);
  PGconn* locker = PQconnectdb(server->url().c_str());
  PQclear(PQexec(locker, "begin; lock table river_job, mine in access exclusive mode"));
  const auto expect = [](PostgresReader& reader, const char* words) {
    const auto r = reader.read(milliseconds(1500));
    ASSERT_FALSE(r) << "never 0";
    EXPECT_EQ(r.error().code, ErrorCode::kTimeout);
    EXPECT_THAT(r.error().message, AllOf(HasSubstr(words), HasSubstr("docktor asks again after a while")));
  };
  for (unsigned round = 0; round < 20; ++round) {
    expect(river, "the table is locked (a migration?)");
    expect(mine, "the table is locked (a migration?)");
    expect(slow, "the reading was ended by its time-out");
    const auto r = other.read();
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_EQ(r->queue->num_pending, round);
    server->sql("insert into others values (1)");
  }
  EXPECT_LT(logged("canceling statement due to lock timeout"), 20);
  EXPECT_LT(logged("canceling statement due to statement timeout"), 10);
  EXPECT_EQ(server->sql("select count(*) from pg_stat_activity where application_name = 'docktor'"), "1");
  PQfinish(locker);
  EXPECT_EQ(river.sample().num_pending, 1u);
  EXPECT_EQ(mine.sample().num_pending, 0u);
}

TEST_F(PostgresFaults, PasswordsUsersAndDatabases) {
  server->sql(
      "create role pw login password 's3cret@/' in role asks_password; grant select on river_job, "
      "river_queue to pw");
  EXPECT_THAT(PostgresReader(spec("pw")).error(ErrorCode::kDenied).message,
              HasSubstr("asks for a password: write queue.password"));
  auto wrong = spec("pw");
  wrong.password.value = "wrong";
  PostgresReader reader(wrong);
  EXPECT_THAT(
      reader.error(ErrorCode::kDenied).message,
      AllOf(HasSubstr("refused the credentials: check user and password"), Not(HasSubstr("\"wrong\""))));
  server->sql("alter role pw password 'wrong'");
  EXPECT_EQ(reader.sample().num_pending, 1u) << "a password that is put right is taken";
  server->sql("alter role pw password 's3cret@/'");
  const auto by_url = fmt::format("postgres://pw:s3cret%40%2F@127.0.0.1:{}/postgres", server->port());
  PostgresReader good(jobs_of(by_url, "river", {"default"}));
  EXPECT_EQ(good.sample().num_pending, 1u);
  EXPECT_THAT(good.findings(), Not(HasSubstr("s3cret")));
  const auto words =
      fmt::format("host=127.0.0.1 port={} dbname=postgres user=pw password='s3cret@/'", server->port());
  EXPECT_EQ(PostgresReader(jobs_of(words, "river", {"default"})).sample().num_pending, 1u);
  const auto socket =
      fmt::format("host={} port={} dbname=postgres user=postgres", server->socket_dir(), server->port());
  EXPECT_EQ(PostgresReader(jobs_of(socket, "river", {"default"})).sample().num_pending, 1u);
  EXPECT_THAT(PostgresReader(jobs_of(server->url("nowhere"), "river", {"default"}))
                  .error(ErrorCode::kNotFound)
                  .message,
              HasSubstr("database \"nowhere\" does not exist; check the database in queue.url"));
  EXPECT_THAT(PostgresReader(spec("nobody")).error(ErrorCode::kDenied).message,
              HasSubstr("role \"nobody\" does not exist"));
}

TEST_F(PostgresFaults, TlsIsHeldAgainstTheAuthorityAndTheName) {
  TempDir dir;
  const TestCertificates pki(dir);
  const auto text = [](const std::string& path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  server->keep("server.crt", text(pki.server_cert));
  server->keep("server.key", text(pki.server_key));
  server->sql("alter system set ssl = on");
  server->sql("select pg_reload_conf()");
  auto tls = spec();
  tls.tls = true;
  tls.tls_ca_file = pki.ca;
  // Until the settings are read the server has no TLS.
  EXPECT_EQ(PostgresReader(tls).sample().num_pending, 1u);
  EXPECT_TRUE(eventually([&] {
    return server->sql(
               "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) where ssl and "
               "usename = 'postgres'") == "0";
  })) << "that reader is gone";
  tls.tls_ca_file.clear();
  EXPECT_THAT(PostgresReader(tls).error(ErrorCode::kDenied).message, HasSubstr("no TLS connection"));
  tls.tls_verify = false;
  EXPECT_EQ(PostgresReader(tls).sample().num_pending, 1u);
  tls.tls_verify = true;
  tls.tls_ca_file = pki.ca;
  tls.url =
      fmt::format("postgres://postgres@localhost.localdomain:{}/postgres?hostaddr=127.0.0.1", server->port());
  EXPECT_THAT(PostgresReader(tls).error(ErrorCode::kDenied).message, HasSubstr("localhost.localdomain"));
  // A server that signs in who has a certificate of its authority, by the name in it.
  server->keep("ca.crt", text(pki.ca));
  server->keep(
      "pg_hba.conf",
      "local all all trust\nhostssl all docktor 127.0.0.1/32 cert\nhost all docktor 127.0.0.1/32 reject\n"
      "host all all 127.0.0.1/32 trust\n");
  server->sql("create role docktor login; grant select on river_job, river_queue to docktor");
  server->sql("alter system set ssl_ca_file = 'ca.crt'");
  server->sql("select pg_reload_conf()");
  auto mine = spec("docktor");
  mine.tls = true;
  mine.tls_ca_file = pki.ca;
  EXPECT_THAT(PostgresReader(mine).error(ErrorCode::kDenied).message, HasSubstr("certificate"));
  mine.tls_cert_file = pki.client_cert;
  mine.tls_key_file = pki.client_key;
  EXPECT_THAT(PostgresReader(mine).error(ErrorCode::kDenied).message,
              AllOf(HasSubstr("no TLS connection"), HasSubstr("has group or world access")));
  std::filesystem::permissions(pki.client_key, std::filesystem::perms(0600));
  EXPECT_EQ(PostgresReader(mine).sample().num_pending, 1u);
  TempDir elsewhere;
  const TestCertificates others(elsewhere);
  std::filesystem::permissions(others.client_key, std::filesystem::perms(0600));
  mine.tls_cert_file = others.client_cert;
  mine.tls_key_file = others.client_key;
  const auto refused = PostgresReader(mine).error(ErrorCode::kDenied).message;
  EXPECT_THAT(refused, HasSubstr("no TLS connection"));
  server->sql("alter system set ssl = off");
  server->sql("select pg_reload_conf()");
}

}  // namespace
}  // namespace docktor::test
