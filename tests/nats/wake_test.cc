// The wake at zero replicas: what must be seen at once, what may be false, and what the watch says that it
// cannot see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "tests/nats/reader.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;

class Wake : public ::testing::Test {
 protected:
  void SetUp() override { start({}); }
  void start(NatsServer::Options options) {
    client.reset();
    server = std::make_unique<NatsServer>(std::move(options));
    client = std::make_unique<NatsClient>(server->url());
  }
  std::unique_ptr<Reader> reader(const std::string& stream = "S", const std::string& consumer = "C") {
    return std::make_unique<Reader>(queue_at(server->url(), stream, consumer), true);
  }
  /// Arms, and waits until the server has the subscriptions: they are counted, since nothing else tells.
  void arm(Reader& r, std::atomic<int>& calls) {
    r.source().watch([&calls] { ++calls; });
    // The watch's own read follows its subscriptions; a read that is asked for later is answered after it.
    for (int i = 0; i < 3; ++i) (void)r.sample();
  }

  std::unique_ptr<NatsServer> server;
  std::unique_ptr<NatsClient> client;
  std::atomic<int> calls{0};
};

TEST_F(Wake, TheFirstMessageWakesOnce) {
  client->create_stream("S", {"s.>"});
  client->create_consumer("S", "C");
  const auto r = reader();
  arm(*r, calls);
  EXPECT_EQ(calls, 0);
  client->publish("s.1");
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
  client->publish("s.2");
  (void)r->sample();
  EXPECT_EQ(calls, 1);  // over until it is armed again
  EXPECT_EQ(r->source().watch_gap(), "");
}

// The source reads ahead when it wakes: that answer serves the read which follows at once, and no later one.
TEST_F(Wake, TheReadsThatFollowSeeWhatIsThere) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  const auto r = reader();
  for (std::uint64_t n = 1; n <= 40; n += 2) {
    calls = 0;
    arm(*r, calls);
    if (n == 1) client->publish("s");  // afterwards what is pending wakes at once
    ASSERT_TRUE(eventually([&] { return calls == 1; }));
    if (n > 1) client->publish("s");
    ASSERT_TRUE(eventually([&] { return r->sample().num_pending == n; }));
    client->publish("s");
    ASSERT_TRUE(eventually([&] { return r->sample().num_pending == n + 1; }));
  }
}

TEST_F(Wake, AMessageFromBeforeTheWatchIsSeenByItsRead) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  const auto r = reader();
  client->publish("s");
  r->source().watch([&] { ++calls; });
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
}

// Whatever the instant at which a message comes, before, between or after subscription and read, it wakes.
TEST_F(Wake, NothingFallsBetween) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  const auto r = reader();
  for (int round = 0; round < 200; ++round) {
    const int before = calls;
    r->source().watch([&] { ++calls; });
    if (round % 4 == 1) (void)r->sample();
    if (round % 4 == 2) std::this_thread::sleep_for(std::chrono::microseconds(round * 7));
    client->publish("s");
    ASSERT_TRUE(eventually([&] { return calls > before; })) << round;
    for (const auto& m : client->pull("S", "C", 10)) client->ack(m);
  }
}

TEST_F(Wake, ADuplicateIsAFalseWake) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  client->publish("s", "x", "id-1");
  for (const auto& m : client->pull("S", "C", 1)) client->ack(m);
  const auto r = reader();
  arm(*r, calls);
  client->publish("s", "x", "id-1");
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
  EXPECT_EQ(r->sample().num_pending, 0u);
  arm(*r, calls);
  client->publish("s", "x", "id-2");
  EXPECT_TRUE(eventually([&] { return calls == 2; }));
}

TEST_F(Wake, OnlyWhatTheFilterTakes) {
  client->create_stream("S", {"s.*.*"});
  client->create_consumer("S", "C", {{"filter_subject", "s.*.x"}});
  const auto r = reader();
  arm(*r, calls);
  client->publish("s.a.y");
  client->publish("s.b.y");
  for (int i = 0; i < 5; ++i) (void)r->sample();
  EXPECT_EQ(calls, 0);
  client->publish("s.b.x");
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
}

TEST_F(Wake, TwoServicesOnOneStream) {
  client->create_stream("S", {"s.>"});
  client->create_consumer("S", "C", {{"filter_subject", "s.c"}});
  client->create_consumer("S", "D", {{"filter_subject", "s.d"}});
  JetStreamConnections pool;
  const auto connection = pool.get(NatsLinkOptions::from(queue_at(server->url(), "S", "C")));
  JetStreamSource c(connection, {"S", "C", "", true}), d(connection, {"S", "D", "", true});
  std::atomic<int> for_c{0}, for_d{0};
  c.watch([&] { ++for_c; });
  d.watch([&] { ++for_d; });
  client->publish("s.c");
  EXPECT_TRUE(eventually([&] { return for_c == 1; }));
  EXPECT_EQ(for_d, 0);
  client->publish("s.d");
  EXPECT_TRUE(eventually([&] { return for_d == 1; }));
  EXPECT_EQ(for_c, 1);
}

TEST_F(Wake, AnEndedWatchIsSilent) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  const auto r = reader();
  arm(*r, calls);
  r->source().watch({});
  (void)r->sample();
  client->publish("s");
  for (int i = 0; i < 5; ++i) (void)r->sample();
  EXPECT_EQ(calls, 0);
}

TEST_F(Wake, ThroughMirrorsAndSources) {
  client->create_stream("IN", {"in.>"});
  client->create_stream("MIRROR", {}, {{"mirror", {{"name", "IN"}}}});
  client->create_stream("TWO", {}, {{"sources", {{{"name", "MIRROR"}, {"filter_subject", "in.b.>"}}}}});
  client->create_consumer("MIRROR", "C", {{"filter_subject", "in.a"}});
  client->create_consumer("TWO", "C");
  const auto mirror = reader("MIRROR"), two = reader("TWO");
  std::atomic<int> for_two{0};
  arm(*mirror, calls);
  arm(*two, for_two);
  client->publish("in.a");
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
  EXPECT_TRUE(eventually([&] { return mirror->sample().num_pending == 1; }));
  EXPECT_EQ(for_two, 0);
  client->publish("in.b.c");
  EXPECT_TRUE(eventually([&] { return for_two == 1; }));
  EXPECT_TRUE(eventually([&] { return two->sample().num_pending == 1; }));
  EXPECT_EQ(two->source().watch_gap(), "");
}

TEST_F(Wake, RewrittenSubjectsAreAGap) {
  const auto binary = newer_nats_server_binary();
  if (binary.empty())
    GTEST_SKIP()
        << "subject transforms need nats-server 2.10: run scripts/fetch-nats-210.sh or set NATS_SERVER_210";
  start({.binary = binary});
  client->create_stream("S", {"old.>"}, {{"subject_transform", {{"src", "old.>"}, {"dest", "new.>"}}}});
  client->create_consumer("S", "C", {{"filter_subject", "new.a"}});
  client->create_consumer("S", "ALL");
  client->create_stream(
      "T", {},
      {{"sources", {{{"name", "S"}, {"subject_transforms", {{{"src", "new.>"}, {"dest", "t.>"}}}}}}}});
  client->create_consumer("T", "C");
  const auto r = reader(), all = reader("S", "ALL"), t = reader("T");
  arm(*r, calls);
  EXPECT_THAT(r->source().watch_gap(), HasSubstr("stream S rewrites subjects"));
  std::atomic<int> for_all{0}, for_t{0};
  arm(*all, for_all);
  EXPECT_EQ(all->source().watch_gap(), "");  // without a filter any input wakes
  arm(*t, for_t);
  EXPECT_THAT(t->source().watch_gap(), HasSubstr("takes from S with rewritten subjects"));
  client->publish("old.a");
  EXPECT_TRUE(eventually([&] { return for_all == 1; }));
  EXPECT_TRUE(eventually([&] { return r->sample().num_pending == 1; }));  // polling sees it
}

TEST_F(Wake, ADeniedSubjectIsAGap) {
  start({.config = R"(authorization: { users: [
    { user: all, password: x },
    { user: some, password: x, permissions: { publish: ">", subscribe: ["_INBOX.>", "s.a"] } } ] }
    no_auth_user: all)"});
  client->create_stream("S", {"s.a", "s.b"});
  client->create_consumer("S", "C");
  auto spec = queue_at(server->url(), "S", "C");
  spec.user = "some";
  spec.password.value = "x";
  Reader r(spec, true);
  arm(r, calls);
  EXPECT_TRUE(eventually([&] { return r.source().watch_gap() == "this user may not subscribe to s.b"; }))
      << r.source().watch_gap();
  EXPECT_EQ(r.sample().dead, std::nullopt);  // nor may it see advisories: unknown, not zero
  client->publish("s.a");
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
}

TEST_F(Wake, MessagesInHandAreToldOf) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  client->publish_many("s", 3);
  (void)client->pull("S", "C", 3);
  const auto r = reader();
  arm(*r, calls);
  EXPECT_THAT(r->source().watch_gap(), HasSubstr("3 messages in hand"));
  EXPECT_EQ(calls, 0);  // they are no reason to wake before the ack wait is over
}

TEST_F(Wake, IsArmedAgainAfterALostConnection) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  const auto r = reader();
  arm(*r, calls);
  server->kill();
  (void)r->error(ErrorCode::kUnavailable);
  server->start();
  for (int i = 0; i < 3; ++i) (void)r->sample();
  EXPECT_EQ(calls, 0);
  client->publish("s");
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
}

TEST_F(Wake, AMessageStoredWhileTheConnectionWasLostWakes) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  const auto r = reader();
  arm(*r, calls);
  server->stop();
  server->start();
  client->publish("s");
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
}

TEST_F(Wake, BeforeStreamAndConsumerAreThere) {
  const auto r = reader();
  r->source().watch([&] { ++calls; });
  (void)r->error(ErrorCode::kNotFound);
  EXPECT_TRUE(
      eventually([&] { return r->source().watch_gap().find("does not exist") != std::string::npos; }));
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  for (int i = 0; i < 3; ++i) (void)r->sample();  // a poll that goes well arms it
  EXPECT_EQ(r->source().watch_gap(), "");
  client->publish("s");
  EXPECT_TRUE(eventually([&] { return calls == 1; }));
}

TEST_F(Wake, UnfitForZero) {
  client->create_stream("S", {"s"});
  client->create_consumer("S", "C");
  client->create_consumer("S", "E", {{"durable_name", nullptr}, {"inactive_threshold", 3'600'000'000'000}});
  const auto c = reader(), e = reader("S", "E");
  (void)c->sample();
  (void)e->sample();
  EXPECT_EQ(c->source().unfit_for_zero(), "");
  EXPECT_THAT(e->source().unfit_for_zero(), HasSubstr("consumer E is ephemeral"));
}

}  // namespace
}  // namespace docktor::test
