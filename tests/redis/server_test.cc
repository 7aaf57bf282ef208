// What the server's side can do wrong: each fault is an error of the right kind with its cure, never a zero, and goes
// by itself.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/redis/reader.h"
#include "tests/support/test_pki.h"

namespace docktor::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

void make_queue(const RedisServer& server, const std::string& flags = {}) {
  server.cli("XGROUP CREATE events g 0 MKSTREAM", flags);
  server.cli("XADD events '*' a 1", flags);
}

TEST(RedisServerTest, NobodyListensThenTheServerComes) {
  RedisServer server;
  make_queue(server);
  server.stop();
  RedisReader reader(stream_at(server.url(), "events", "g"));
  const auto e = reader.error(ErrorCode::kUnavailable);
  EXPECT_THAT(e.message,
              HasSubstr(fmt::format("127.0.0.1:{} cannot be reached: Connection refused", server.port())));
  EXPECT_THAT(e.message, HasSubstr("start redis-server there, or correct queue.url"));
  EXPECT_TRUE(e.retry);
  // It says the same until something changes, so that a log can tell it once.
  EXPECT_EQ(reader.error(ErrorCode::kUnavailable).message, e.message);
  server.start();
  EXPECT_EQ(reader.sample().num_pending, 1u);
}

TEST(RedisServerTest, KilledAndRestarted) {
  RedisServer server;
  make_queue(server);
  RedisReader reader(stream_at(server.url(), "events", "g"));
  const auto first = reader.sample();
  EXPECT_EQ(first.num_pending, 1u);
  for (int round = 0; round < 3; ++round) {
    server.kill();
    EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr(std::to_string(server.port())));
    server.start();
    EXPECT_EQ(reader.sample().num_pending, 1u);
  }
  EXPECT_NE(reader.sample().totals.incarnation, first.totals.incarnation);
}

TEST(RedisServerTest, AServerThatStandsStillIsATimeout) {
  RedisServer server;
  make_queue(server);
  RedisReader reader(stream_at(server.url(), "events", "g"));
  (void)reader.sample();
  server.pause();
  const auto r = reader.read(milliseconds(300));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(r.error().message, HasSubstr("no answer in time"));
  server.resume();
  EXPECT_EQ(reader.sample().num_pending, 1u);
}

TEST(RedisServerTest, PasswordsUsersAndRights) {
  RedisServer server({.arguments = {"--requirepass", "s3cret"}});
  const std::string flags = "--no-auth-warning -a s3cret";
  make_queue(server, flags);
  server.cli("ACL SETUSER reader on '>pw@1' '~*' +xinfo +info +ping +select", flags);

  RedisReader nobody(stream_at(server.url(), "events", "g"));
  EXPECT_THAT(nobody.error(ErrorCode::kDenied).message,
              HasSubstr("asks for a password: write queue.password"));

  auto spec = stream_at(server.url(), "events", "g");
  spec.password.value = "wrong";
  RedisReader wrong(spec);
  const auto refused = wrong.error(ErrorCode::kDenied).message;
  EXPECT_THAT(refused, HasSubstr("refused the credentials: check user and password"));
  EXPECT_THAT(refused, Not(HasSubstr("wrong;")));
  server.cli("CONFIG SET requirepass wrong", flags);
  EXPECT_EQ(wrong.sample().num_pending, 1u) << "a password that is put right is taken";
  server.cli("CONFIG SET requirepass s3cret", "--no-auth-warning -a wrong");

  spec.password.value = "s3cret";
  EXPECT_EQ(RedisReader(spec).sample().num_pending, 1u);
  const auto by_url_spec =
      stream_at(fmt::format("redis://reader:pw%401@127.0.0.1:{}", server.port()), "events", "g");
  RedisReader by_url(by_url_spec);
  const auto s = by_url.sample();
  EXPECT_EQ(s.num_pending, 1u);
  EXPECT_FALSE(s.oldest_age) << "XRANGE is not allowed";
  const auto found = by_url.findings();
  EXPECT_THAT(found, HasSubstr("this user may not use XRANGE"));
  EXPECT_THAT(found, HasSubstr("this user may not use XREAD"));
  EXPECT_THAT(found, Not(HasSubstr("pw@1")));
  by_url.source().watch([] {});
  EXPECT_TRUE(
      eventually([&] { return by_url.source().watch_gap().find("may not use XREAD") != std::string::npos; }));

  EXPECT_THAT(found, Not(HasSubstr("+info")));
  server.cli("ACL SETUSER reader -info", flags);
  EXPECT_THAT(RedisReader(by_url_spec).findings(),
              HasSubstr("tells nothing of itself (INFO): docktor knows no restart"));

  server.cli("ACL SETUSER reader -xinfo", flags);
  EXPECT_THAT(by_url.error(ErrorCode::kDenied).message, HasSubstr("this user may not use XINFO"));
}

TEST(RedisServerTest, APasswordThatTheServerDoesNotHaveIsTaken) {
  RedisServer server;
  EXPECT_THAT(RedisReader(stream_at(fmt::format("redis://:pw@127.0.0.1:{}", server.port()), "events", "g"))
                  .error(ErrorCode::kDenied)
                  .message,
              HasSubstr("take the password out of queue.url or queue.password"));
}

TEST(RedisServerTest, TlsIsHeldAgainstTheAuthority) {
  TempDir dir;
  const TestCertificates pki(dir);
  RedisServer server({.arguments = {"--tls-cert-file", pki.server_cert, "--tls-key-file", pki.server_key,
                                    "--tls-ca-cert-file", pki.ca, "--tls-auth-clients", "optional"},
                      .tls = true});
  make_queue(server, "--tls --insecure");
  auto spec = stream_at(server.url(), "events", "g");
  EXPECT_THAT(RedisReader(spec).error(ErrorCode::kDenied).message, HasSubstr("no TLS connection"));
  spec.tls_ca_file = pki.ca;
  EXPECT_EQ(RedisReader(spec).sample().num_pending, 1u);
  spec.tls_cert_file = pki.client_cert;
  spec.tls_key_file = pki.client_key;
  EXPECT_EQ(RedisReader(spec).sample().num_pending, 1u);
  spec = stream_at(server.url(), "events", "g");
  spec.tls_verify = false;
  EXPECT_EQ(RedisReader(spec).sample().num_pending, 1u);
  // Plain Redis at a TLS port, and TLS at a plain one.
  EXPECT_EQ(RedisReader(stream_at(fmt::format("redis://127.0.0.1:{}", server.port()), "events", "g"))
                .error(ErrorCode::kUnavailable)
                .code,
            ErrorCode::kUnavailable);
  RedisServer plain;
  EXPECT_THAT(RedisReader(stream_at(fmt::format("rediss://127.0.0.1:{}", plain.port()), "events", "g"))
                  .error(ErrorCode::kDenied)
                  .message,
              HasSubstr("does it speak TLS on this port?"));
}

TEST(RedisServerTest, WhileItReadsItsDataNothingIsKnown) {
  RedisServer server({.arguments = {"--key-load-delay", "20000", "--loading-process-events-interval-bytes",
                                    "1024"}});  // µs, for each key
  server.cli("EVAL \"for i = 1, 200 do redis.call('SET', 'k' .. i, 'x') end return 1\" 0");
  make_queue(server);
  server.cli("BGREWRITEAOF");  // keys, in place of commands
  ASSERT_TRUE(eventually(
      [&] { return server.cli("INFO persistence").find("aof_rewrite_in_progress:0") != std::string::npos; }));
  server.stop();
  server.start();
  RedisReader reader(stream_at(server.url(), "events", "g"));
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("is reading its data from disk"));
  EXPECT_EQ(reader.sample().num_pending, 1u);
}

TEST(RedisServerTest, AnotherPlaceWhenASocketOfThisHostIsWritten) {
  TempDir dir;
  const auto path = (dir.path() / "redis.sock").string();
  RedisServer server({.arguments = {"--unixsocket", path}});
  make_queue(server);
  EXPECT_EQ(RedisReader(stream_at("unix://" + path, "events", "g")).sample().num_pending, 1u);
}

TEST(RedisServerTest, ManySourcesShareOneConnection) {
  RedisServer server;
  make_queue(server);
  RedisRouters connections;
  StreamWakes wakes;
  const auto spec = stream_at(server.url(), "events", "g");
  const auto login = RedisLoginOptions::from(spec);
  std::atomic<int> answers{0}, good{0};
  {
    std::vector<std::unique_ptr<RedisSource>> sources;
    for (int i = 0; i < 200; ++i)
      sources.push_back(std::make_unique<RedisSource>(connections.get(login), wakes.get(login), spec));
    for (auto& s : sources) {
      s->read({seconds(30), {}}, [&](const Result<Reading>& r) {
        good += r.has_value();
        ++answers;
      });
    }
    EXPECT_TRUE(eventually([&] { return answers == 200; }));
    EXPECT_EQ(good, 200);
    EXPECT_THAT(server.cli("INFO clients"), HasSubstr("connected_clients:2"));  // ours and redis-cli's
    for (auto& s : sources) s->read({seconds(30), {}}, [&](const Result<Reading>&) { ++answers; });
  }
  EXPECT_EQ(answers, 400) << "a source that goes answers what was asked";
  EXPECT_EQ(connections.get(login), connections.get(login));
  auto other = login;
  other.user = "x";
  EXPECT_NE(connections.get(login), connections.get(other));
}

}  // namespace
}  // namespace docktor::test
