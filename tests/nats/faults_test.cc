// What the queue's side can do wrong: each fault is an error of the right kind with its cure, never a zero,
// and goes by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/nats/reader.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Faults, NobodyListensThenTheServerComes) {
  auto server = std::make_unique<NatsServer>();
  NatsClient client(server->url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  client.publish_many("s", 3);
  server->stop();

  Reader reader(queue_at(server->url(), "S", "C"));
  const auto e = reader.error(ErrorCode::kUnavailable);
  EXPECT_THAT(e.message, HasSubstr(server->url()));
  EXPECT_THAT(e.message, HasSubstr("start nats-server"));
  EXPECT_THAT(e.message, HasSubstr("not connected since "));
  EXPECT_TRUE(e.retry);
  // It says the same until something changes, so that a log can tell it once.
  EXPECT_EQ(reader.error(ErrorCode::kUnavailable).message, e.message);

  server->start();
  EXPECT_EQ(reader.sample().num_pending, 3u);
}

TEST(Faults, KilledAndRestartedServer) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  client.publish_many("s", 5);
  Reader reader(queue_at(server.url(), "S", "C"));
  EXPECT_EQ(reader.sample().num_pending, 5u);
  for (int round = 0; round < 3; ++round) {
    server.kill();
    EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr(server.url()));
    server.start();
    EXPECT_EQ(reader.sample().num_pending, 5u);
  }
}

// nats-server writes down another time of creation than it told, off by a fraction of a millisecond, so that
// a clean restart may begin a new window; it forgets nothing.
TEST(Faults, CleanRestartForgetsNothing) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  client.publish_many("s", 10);
  for (const auto& m : client.pull("S", "C", 4)) client.ack(m);
  Reader reader(queue_at(server.url(), "S", "C"));
  Ledger ledger(reader);
  server.stop();
  server.start();
  ledger.step();
  EXPECT_LE(ledger.resets, 1);
  EXPECT_EQ(ledger.last().num_pending, 6u);
  EXPECT_EQ(ledger.last().num_ack_pending, 0u);
  client.publish_many("s", 3);
  EXPECT_TRUE(ledger.step());
  EXPECT_EQ(ledger.arrivals, 3);
  EXPECT_EQ(ledger.settled, 0);
}

TEST(Faults, AServerThatStandsStillIsATimeout) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  Reader reader(queue_at(server.url(), "S", "C"));
  (void)reader.sample();
  server.pause();
  const auto begin = std::chrono::steady_clock::now();
  const auto r = reader.read(std::chrono::milliseconds(300));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(250));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(r.error().message, HasSubstr("no answer to $JS.API.CONSUMER.INFO.S.C in time"));
  server.resume();
  EXPECT_EQ(reader.sample().num_pending, 0u);
}

TEST(Faults, StreamThenConsumerAreMissingThenMade) {
  NatsServer server;
  NatsClient client(server.url());
  Reader reader(queue_at(server.url(), "EVENTS", "W"));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message,
              HasSubstr("stream EVENTS does not exist on " + server.url()));
  client.create_stream("EVENTS", {"e"});
  EXPECT_TRUE(eventually([&] {
    const auto r = reader.read();
    return !r && r.error().message.find("consumer W of stream EVENTS does not exist") != std::string::npos;
  }));
  client.create_consumer("EVENTS", "W");
  client.publish_many("e", 2);
  EXPECT_EQ(reader.sample().num_pending, 2u);
  client.delete_stream("EVENTS");
  EXPECT_EQ(reader.error(ErrorCode::kNotFound).code, ErrorCode::kNotFound);
  client.create_stream("EVENTS", {"e", "f"}, {{"max_age", 3'600'000'000'000}});
  client.create_consumer("EVENTS", "W", {{"filter_subject", "f"}});
  const auto s = reader.sample();
  EXPECT_TRUE(s.filtered);  // nothing that was known of the old stream is left
  EXPECT_TRUE(s.can_discard);
}

TEST(Faults, JetStreamIsOffThenOn) {
  NatsServer server({.jetstream = false});
  Reader reader(queue_at(server.url(), "S", "C"));
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("start nats-server with -js"));
  server.stop();
  server.configure({});
  server.start();
  EXPECT_EQ(reader.error(ErrorCode::kNotFound).code, ErrorCode::kNotFound);
}

TEST(Faults, CredentialsAreRefusedAndNeverShown) {
  NatsServer server({.config = "authorization: { user: me, password: right }"});
  NatsClient client(server.url(), [](natsOptions* o) { natsOptions_SetUserInfo(o, "me", "right"); });
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  auto spec = queue_at(server.url(), "S", "C");
  {
    Reader without(spec);
    EXPECT_EQ(without.error(ErrorCode::kDenied).code, ErrorCode::kDenied);
  }
  spec.user = "me";
  spec.password.value = "s3cret";
  {
    Reader wrong(spec);
    const auto e = wrong.error(ErrorCode::kDenied);
    EXPECT_THAT(e.message, HasSubstr("check user and password"));
    EXPECT_THAT(e.message, Not(HasSubstr("s3cret")));
  }
  spec.password.value = "right";
  Reader right(spec);
  EXPECT_EQ(right.sample().num_pending, 0u);
  // Credentials in the address.
  auto in_url = queue_at("nats://me:s3cret@127.0.0.1:" + std::to_string(server.port()), "S", "C");
  Reader wrong_url(in_url);
  EXPECT_THAT(wrong_url.error(ErrorCode::kDenied).message, Not(HasSubstr("s3cret")));
  in_url.url = "nats://me:right@127.0.0.1:" + std::to_string(server.port());
  Reader right_url(in_url);
  EXPECT_EQ(right_url.sample().num_pending, 0u);
}

TEST(Faults, ARefusedUserIsLetInOnceTheServerIsMended) {
  NatsServer server({.config = "authorization: { user: me, password: old }"});
  auto spec = queue_at(server.url(), "S", "C");
  spec.user = "me";
  spec.password.value = "new";
  Reader reader(spec);
  (void)reader.error(ErrorCode::kDenied);
  server.stop();
  server.configure({.config = "authorization: { user: me, password: new }"});
  server.start();
  EXPECT_EQ(reader.error(ErrorCode::kNotFound).code, ErrorCode::kNotFound);
}

TEST(Faults, Token) {
  NatsServer server({.config = "authorization: { token: t0ken }"});
  auto spec = queue_at(server.url(), "S", "C");
  spec.token.value = "wrong";
  Reader wrong(spec);
  (void)wrong.error(ErrorCode::kDenied);
  spec.token.value = "t0ken";
  Reader right(spec);
  (void)right.error(ErrorCode::kNotFound);
}

TEST(Faults, NamesThatCannotBe) {
  NatsServer server;
  for (const char* name : {"", "a.b", "a b", "*", ">"}) {
    Reader stream(queue_at(server.url(), name, "C"));
    EXPECT_EQ(stream.error(ErrorCode::kInvalid).code, ErrorCode::kInvalid) << name;
    Reader consumer(queue_at(server.url(), "S", name));
    EXPECT_EQ(consumer.error(ErrorCode::kInvalid).code, ErrorCode::kInvalid) << name;
  }
}

TEST(Faults, OneOfSeveralServersIsEnough) {
  std::string gone;
  {
    const NatsServer other;
    gone = other.url();
  }
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  Reader reader(queue_at(gone + ", " + server.url(), "S", "C"));
  EXPECT_EQ(reader.sample().num_pending, 0u);
}

TEST(Faults, TheAddressIsResolvedAnewForEachAttempt) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  std::atomic<int> asked{0};
  JetStreamConnections pool;
  pool.set_resolve([&](const std::string& url) {
    EXPECT_EQ(url, "nats://nats:4222");
    return ++asked < 3 ? std::string("nats://127.0.0.1:1") : server.url();
  });
  JetStreamSource source(pool.get(NatsLinkOptions::from(queue_at("nats://nats:4222", "S", "C"))),
                         {"S", "C", "", false});
  EXPECT_TRUE(eventually([&] {
    std::promise<bool> ok;
    source.read({std::chrono::seconds(10), {}},
                [&](const Result<Reading>& r) { ok.set_value(r.has_value()); });
    return ok.get_future().get();
  }));
  EXPECT_GE(asked, 3);
}

TEST(Faults, AReadUnderWayIsAnsweredWhenTheSourceEnds) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  std::atomic<int> answers{0}, errors{0};
  constexpr int kReads = 50;
  {
    Reader reader(queue_at(server.url(), "S", "C"));
    (void)reader.sample();
    server.pause();
    for (int i = 0; i < kReads; ++i) {
      reader.source().read({std::chrono::seconds(60), {}}, [&](const Result<Reading>& r) {
        ++answers;
        errors += !r;
      });
    }
  }
  EXPECT_EQ(answers, kReads);
  EXPECT_EQ(errors, kReads);
  server.resume();
}

TEST(Faults, SourcesComeAndGoWhileTheServerDoes) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  std::atomic<int> asked{0}, answered{0};
  for (int round = 0; round < 15; ++round) {
    {
      JetStreamConnections pool;
      const auto connection = pool.get(NatsLinkOptions::from(queue_at(server.url(), "S", "C")));
      std::vector<std::unique_ptr<JetStreamSource>> sources;
      for (int i = 0; i < 5; ++i) {
        sources.push_back(
            std::make_unique<JetStreamSource>(connection, JetStreamSource::Options{"S", "C", "", true}));
        sources.back()->watch([] {});
        ++asked;
        sources.back()->read({std::chrono::seconds(10), {}}, [&](const Result<Reading>&) { ++answered; });
      }
      if (round % 5 == 1) server.kill();
      if (round % 5 == 2) server.start();
      if (round % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(round));
    }
    EXPECT_EQ(asked, answered);
  }
}

TEST(Faults, ConnectionsAreSharedByServersAndCredentials) {
  JetStreamConnections pool;
  auto spec = queue_at("nats://127.0.0.1:1", "S", "C");
  const auto a = pool.get(NatsLinkOptions::from(spec));
  spec.consumer = "D";
  EXPECT_EQ(pool.get(NatsLinkOptions::from(spec)), a);
  spec.user = "x";
  EXPECT_NE(pool.get(NatsLinkOptions::from(spec)), a);
}

}  // namespace
}  // namespace docktor::test
