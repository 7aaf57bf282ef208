// ThreadProvisioner against a real server: what each handler does with its messages.
#include "tests/provisioner/stage.h"

namespace docktor::test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

class HandlerTest : public Stage {
 protected:
  NatsClient client{server.url()};
};

TEST_F(HandlerTest, AnswersARequestAndThenAcknowledges) {
  set_up_stream();
  ThreadProvisioner pool(connection(), kStream, kConsumer, [](Message& m) -> Result<void> {
    EXPECT_EQ(m.subject(), "test.a");
    EXPECT_TRUE(m.is_request());
    EXPECT_EQ(m.header("Nats-Msg-Id"), "one");
    EXPECT_EQ(m.deliveries(), 1);
    m.reply("echo " + std::string(m.data()));
    return {};
  });
  ASSERT_TRUE(pool.start_instance({}));
  const auto requester = Requester::create(connection()).value();
  const auto answer = requester->request("test.a", "hello", {.timeout = kPatience, .id = "one"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "echo hello");
  EXPECT_TRUE(settled(client));
  EXPECT_EQ(client.stream(kStream)["state"]["messages"], 0);  // interest retention: acknowledged, so gone
  EXPECT_EQ(pool.stats().processed, 1);
}

TEST_F(HandlerTest, ARequestThatTheHandlerDoesNotAnswerGetsAnEmptyAnswer) {
  set_up_stream();
  ThreadProvisioner pool(connection(), kStream, kConsumer, [](Message&) { return Result<void>(); });
  ASSERT_TRUE(pool.start_instance({}));
  const auto requester = Requester::create(connection()).value();
  EXPECT_EQ(requester->request("test.a", "x", {.timeout = kPatience}).value(), "");
}

TEST_F(HandlerTest, ErrorsAndExceptionsAreContainedCountedAndTriedAgain) {
  set_up_stream();
  ThreadProvisionerOptions options;
  options.retry_delay = milliseconds(1);
  ThreadProvisioner pool(
      connection(), kStream, kConsumer,
      [](Message& m) -> Result<void> {
        if (m.deliveries() == 1) return Error{ErrorCode::kUnavailable, "not now", true};
        if (m.deliveries() == 2) throw std::runtime_error("bad day");
        if (m.deliveries() == 3) throw 42;
        return {};
      },
      options);
  ASSERT_TRUE(pool.start_instance({}));
  client.publish("test.a");
  ASSERT_TRUE(eventually([&] { return pool.stats().processed == 1; }));
  EXPECT_EQ(pool.stats().failed, 3);
  EXPECT_EQ(pool.stats().exceptions, 2);
  EXPECT_TRUE(settled(client));
}

TEST_F(HandlerTest, AsksForOneMoreOnlyWhileMessagesCome) {
  ThreadProvisionerOptions options;
  options.idle_after = std::chrono::hours(1);
  const auto nothing = [](Message&) { return Result<void>(); };
  ThreadProvisioner pool(connection(), kStream, kConsumer, nothing, options);
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(pool.num_instances(now + kPatience, 3, 3000), 4);              // six are needed
  EXPECT_EQ(pool.num_instances(now - milliseconds(300), 3, 3000), 3);      // 900 are missing: it is over
  EXPECT_EQ(pool.num_instances(now - milliseconds(300), 0, 3000), 1);      // the first is not for the rate
  EXPECT_EQ(pool.num_instances(now - milliseconds(300), 9, 3000), 6);      // fewer are fewer
  EXPECT_EQ(pool.num_instances(now - std::chrono::hours(2), 6, 3000), 5);  // idle
}

TEST_F(HandlerTest, LongWorkIsNotDeliveredAgainNorWhatWaitsBehindIt) {
  set_up_stream([](StreamSetup& s) { s.ack_wait = milliseconds(2000); });
  Door door;
  std::atomic<int> calls{0};
  ThreadProvisioner pool(connection(), kStream, kConsumer, [&](Message&) -> Result<void> {
    if (++calls == 1) door.pass();
    return {};
  });
  ASSERT_TRUE(pool.start_instance({}));
  client.publish_many("test.a", 3);
  ASSERT_TRUE(eventually([&] { return door.waiting() == 1; }));
  // Longer than the ack wait, by the server's clock: nothing may come back meanwhile.
  std::this_thread::sleep_for(milliseconds(5000));
  EXPECT_EQ(client.consumer(kStream, kConsumer)["num_redelivered"], 0);
  door.open();
  ASSERT_TRUE(settled(client));
  EXPECT_EQ(calls, 3);
}

TEST_F(HandlerTest, AStoppedInstanceFinishesWhatItBeganAndGivesBackTheRest) {
  set_up_stream();
  Door door;
  std::mutex mutex;
  std::map<std::string, int> done;
  ThreadProvisioner pool(connection(), kStream, kConsumer, [&](Message& m) -> Result<void> {
    if (m.data() == "slow") door.pass();
    const std::lock_guard lock(mutex);
    ++done[std::string(m.data())];
    return {};
  });
  client.publish("test.a", "slow");
  for (int i = 0; i < 4; ++i) client.publish("test.a", "quick" + std::to_string(i));
  const auto first = pool.start_instance({}).value();
  ASSERT_TRUE(eventually([&] { return door.waiting() == 1; }));
  ASSERT_TRUE(eventually([&] { return client.consumer(kStream, kConsumer)["num_ack_pending"] == 5; }));
  ASSERT_TRUE(pool.start_instance({}));
  ASSERT_TRUE(pool.stop_instance({}, first));
  door.open();
  ASSERT_TRUE(settled(client));
  EXPECT_TRUE(eventually([&] { return pool.stats().processed == 5; }));
  for (const auto& [data, n] : done) EXPECT_EQ(n, 1) << data;
  EXPECT_EQ(pool.stats().given_back, 4);
  EXPECT_EQ(pool.stats().failed, 0);
}

// What is given back does not show as pending: at zero instances it would lie there until somebody looks
// closer.
TEST_F(HandlerTest, TheLastInstanceFinishesItsBatch) {
  set_up_stream();
  Door door;
  ThreadProvisioner pool(connection(), kStream, kConsumer, [&](Message&) -> Result<void> {
    door.pass();
    return {};
  });
  client.publish_many("test.a", 5);
  const auto only = pool.start_instance({}).value();
  ASSERT_TRUE(eventually([&] { return client.consumer(kStream, kConsumer)["num_ack_pending"] == 5; }));
  ASSERT_TRUE(pool.stop_instance({}, only));
  door.open();
  ASSERT_TRUE(settled(client));
  EXPECT_EQ(pool.stats().given_back, 0);
}

TEST_F(HandlerTest, StoppingSomethingUnknownIsNotFound) {
  set_up_stream();
  ThreadProvisioner pool(connection(), kStream, kConsumer, [](Message&) { return Result<void>(); });
  EXPECT_EQ(pool.stop_instance({}, "nobody").error().code, ErrorCode::kNotFound);
}

TEST_F(HandlerTest, DestructionStopsEveryThreadAndTellsWhatEachDid) {
  set_up_stream();
  std::atomic<int> ended{0};
  std::atomic<std::uint64_t> total{0};
  {
    ThreadProvisionerOptions options;
    options.on_end = [&](const InstanceId&, std::uint64_t n) {
      ++ended;
      total += n;
      throw std::runtime_error("the host's own mistake");
    };
    ThreadProvisioner pool(
        connection(), kStream, kConsumer, [](Message&) { return Result<void>(); }, options);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool.start_instance({}));
    client.publish_many("test.a", 100);
    ASSERT_TRUE(eventually([&] { return pool.stats().processed == 100; }));
  }
  EXPECT_EQ(ended, 5);
  EXPECT_EQ(total, 100);
  EXPECT_TRUE(settled(client));
}

// Instances come and go at random while messages flow: each message is worked on once, and none is left.
TEST_F(HandlerTest, NothingIsLostNorDoneTwiceWhileInstancesComeAndGo) {
  set_up_stream();
  constexpr int kMessages = 5'000;
  std::vector<std::atomic<int>> done(kMessages);
  ThreadProvisioner pool(connection(), kStream, kConsumer, [&](Message& m) -> Result<void> {
    ++done[static_cast<std::size_t>(std::stoi(std::string(m.data())))];
    return {};
  });
  std::thread publisher([&] {
    NatsClient own(server.url());
    for (int i = 0; i < kMessages; ++i) own.publish_core("test.a", std::to_string(i));
    own.flush();
    nats_ReleaseThreadMemory();
  });
  std::vector<InstanceId> running;
  unsigned random = 12345;
  for (int i = 0; i < 200; ++i) {
    random = random * 1664525 + 1013904223;
    if (running.empty() || (random >> 16) % 2) {
      running.push_back(pool.start_instance({}).value());
    } else {
      const std::size_t which = (random >> 18) % running.size();
      ASSERT_TRUE(pool.stop_instance({}, running[which]));
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  publisher.join();
  if (running.empty()) running.push_back(pool.start_instance({}).value());
  ASSERT_TRUE(eventually([&] { return client.stream(kStream)["state"]["last_seq"] == kMessages; }));
  ASSERT_TRUE(settled(client));
  ASSERT_TRUE(eventually([&] { return pool.stats().processed == kMessages; }));
  for (const auto& n : done) EXPECT_EQ(n, 1);
  EXPECT_EQ(pool.stats().repeats, 0);
}

// The server forgets acknowledgements when it is killed: what comes again is acknowledged, not worked on.
TEST_F(HandlerTest, WhatAKilledServerDeliversAgainIsNotWorkedOnAgain) {
  set_up_stream([](StreamSetup& s) { s.ack_wait = milliseconds(1000); });
  constexpr int kMessages = 300;
  std::vector<std::atomic<int>> done(kMessages);
  ThreadProvisioner pool(connection(), kStream, kConsumer, [&](Message& m) -> Result<void> {
    ++done[static_cast<std::size_t>(std::stoi(std::string(m.data())))];
    return {};
  });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.start_instance({}));
  for (int i = 0; i < kMessages; ++i) client.publish("test.a", std::to_string(i));
  ASSERT_TRUE(eventually([&] { return pool.stats().processed == kMessages; }));
  server.kill();
  server.start();
  ASSERT_TRUE(settled(client));
  const auto stats = pool.stats();
  for (const auto& n : done) EXPECT_EQ(n, 1);
  EXPECT_EQ(stats.processed, kMessages);
  RecordProperty("repeats", std::to_string(stats.repeats));
}

// Nor does a server that was restarted know the ids of messages that are gone: it stores a request's second
// try.
TEST_F(HandlerTest, ARequestThatARestartedServerStoresAgainIsAnsweredAndNotWorkedOnAgain) {
  set_up_stream();
  std::atomic<int> calls{0};
  ThreadProvisioner pool(connection(), kStream, kConsumer, [&](Message& m) -> Result<void> {
    m.reply(std::to_string(++calls));
    return {};
  });
  ASSERT_TRUE(pool.start_instance({}));
  const RequestOptions same{.timeout = kPatience, .id = "same"};
  EXPECT_EQ(Requester::create(connection()).value()->request("test.a", "x", same).value(), "1");
  ASSERT_TRUE(settled(client));
  server.stop();
  server.start();
  const auto requester = Requester::create(connection()).value();
  EXPECT_EQ(requester->request("test.a", "x", same).value(), "1");
  NatsClient later(server.url());
  EXPECT_EQ(later.stream(kStream)["state"]["last_seq"], 2) << "it was not stored again: nothing was tested";
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(eventually([&] { return pool.stats().repeats == 1; })) << "it is counted after the answer";
  EXPECT_EQ(requester->request("test.a", "x", {.timeout = kPatience, .id = "another"}).value(), "2");
}

TEST_F(HandlerTest, GoesOnAfterTheServerWasAway) {
  set_up_stream();
  ThreadProvisioner pool(connection(), kStream, kConsumer, [](Message&) { return Result<void>(); });
  ASSERT_TRUE(pool.start_instance({}));
  client.publish("test.a");
  ASSERT_TRUE(eventually([&] { return pool.stats().processed == 1; }));
  server.stop();
  server.start();
  NatsClient later(server.url());
  later.publish("test.a");
  EXPECT_TRUE(eventually([&] { return pool.stats().processed == 2; }));
}

TEST_F(HandlerTest, ARetryOfARequestThatWasStoredGetsTheFirstOnesAnswer) {
  set_up_stream();
  const auto requester = Requester::create(connection()).value();
  // Nobody runs: the first try is stored, and times out. The second is dropped as a duplicate.
  const auto first = requester->request("test.a", "x", {.timeout = milliseconds(50), .id = "same"});
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::kTimeout);
  ASSERT_TRUE(eventually([&] { return client.stream(kStream)["state"]["last_seq"] == 1; }));
  std::atomic<int> calls{0};
  ThreadProvisioner pool(connection(), kStream, kConsumer, [&](Message& m) -> Result<void> {
    ++calls;
    m.reply("done");
    return {};
  });
  ASSERT_TRUE(pool.start_instance({}));
  EXPECT_EQ(requester->request("test.a", "x", {.timeout = kPatience, .id = "same"}).value(), "done");
  EXPECT_TRUE(settled(client));
  EXPECT_EQ(calls, 1);
}

TEST_F(HandlerTest, AClosedRequesterAnswersWhatWaits) {
  set_up_stream();
  auto requester = Requester::create(connection()).value();
  std::atomic<int> unavailable{0};
  for (int i = 0; i < 3; ++i) {
    requester->send("test.a", "x", {.timeout = kPatience}, [&](const Result<std::string>& r) {
      unavailable += !r && r.error().code == ErrorCode::kUnavailable;
    });
  }
  requester.reset();
  EXPECT_EQ(unavailable, 3);
}

}  // namespace
}  // namespace docktor::test
