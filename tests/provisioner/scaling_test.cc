// start_provisioner() against a real server: both laws, the end of a subscription, and what may go wrong.
#include "docktor/nats.h"
#include "tests/provisioner/stage.h"

namespace docktor::test {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::HasSubstr;
using Kind = ProvisionerEvent::Kind;

class ScalingTest : public Stage {
 protected:
  NatsClient client{server.url()};
};

// Counts; its instances do nothing.
class Idle : public Provisioner {
 public:
  Result<InstanceId> start_instance(std::stop_token) override { return "i" + std::to_string(++started); }
  Result<void> stop_instance(std::stop_token, const InstanceId&) override {
    ++stopped;
    return {};
  }
  std::atomic<int> started{0}, stopped{0};
};

Result<void> nothing(Message&) { return {}; }

// ---- the default law

TEST_F(ScalingTest, TheFirstMessageAtZeroStartsAnInstanceAndTheLastOneGoesAgain) {
  set_up_stream();
  ThreadProvisioner pool(connection(), kStream, kConsumer, nothing);
  ObjectiveLaw law;
  law.idle_after = law.max_wait = milliseconds(100);
  law.sample_interval = law.check_interval = milliseconds(50);
  auto running = start(pool, {.law = law});
  ASSERT_TRUE(running) << running.error().message;
  const auto requester = Requester::create(connection()).value();
  for (int round = 0; round < 6; ++round) {
    ASSERT_TRUE(requester->request("test.a", "x", {.timeout = kPatience}));
    ASSERT_TRUE(eventually([&] { return running->instances() == 0 && running->target() == 0; }));
  }
  EXPECT_EQ(pool.stats().processed, 6);
  const auto steps = events.of(Kind::kScaling);
  ASSERT_GE(steps.size(), 2);  // not each time: the last thread still takes what comes within its pull
  EXPECT_EQ(steps[0].from, 0);
  EXPECT_EQ(steps[0].to, 1);
  for (const auto& s : steps) {
    EXPECT_FALSE(s.reason.empty());
    EXPECT_GE(s.to, 0);
    EXPECT_LE(s.to, law.max_instances);
  }
}

TEST_F(ScalingTest, WhatWaitsAtTheStartIsWorkedOn) {
  set_up_stream();
  client.publish_many("test.a", 50);
  ThreadProvisioner pool(connection(), kStream, kConsumer, nothing);
  auto running = start(pool);
  ASSERT_TRUE(running);
  EXPECT_TRUE(eventually([&] { return pool.stats().processed == 50; }));
  EXPECT_FALSE(running->last_reason().empty());
}

TEST_F(ScalingTest, KeepsTheBounds) {
  set_up_stream();
  Door door;
  ThreadProvisionerOptions one;
  one.fetch_size = 1;
  ThreadProvisioner pool(
      connection(), kStream, kConsumer,
      [&](Message&) -> Result<void> {
        door.pass();
        return {};
      },
      one);
  ObjectiveLaw law;
  law.min_instances = 2;
  law.max_instances = 3;
  law.max_wait = milliseconds(100);
  law.sample_interval = law.check_interval = milliseconds(20);
  auto running = start(pool, {.law = law});
  ASSERT_TRUE(running);
  EXPECT_TRUE(eventually([&] { return running->instances() == 2; }));
  client.publish_many("test.a", 100);
  EXPECT_TRUE(eventually([&] { return door.waiting() == 3; }));
  EXPECT_TRUE(eventually([&] { return running->last_reason().find("max_replicas 3") != std::string::npos; }));
  EXPECT_EQ(running->instances(), 3);
  door.open();
  EXPECT_TRUE(eventually([&] { return pool.stats().processed == 100; }));
  for (const auto& s : events.of(Kind::kScaling)) EXPECT_LE(s.to, 3);
}

TEST_F(ScalingTest, KeepsOneWhereTheServerWouldDeleteTheConsumer) {
  set_up_stream();
  client.create_consumer(kStream, "SHORT", {{"inactive_threshold", 60'000'000'000}});
  ThreadProvisioner pool(connection(), kStream, "SHORT", nothing);
  ObjectiveLaw law;
  law.idle_after = milliseconds(50);
  law.sample_interval = law.check_interval = milliseconds(20);
  client.publish("test.a");
  auto running = start_provisioner({}, connection(), pool, kStream, "SHORT", {.law = law});
  ASSERT_TRUE(running);
  EXPECT_TRUE(
      eventually([&] { return running->last_reason().find("inactive threshold") != std::string::npos; }));
  EXPECT_EQ(running->instances(), 1);
}

// ---- the rate law

TEST_F(ScalingTest, TheRateLawStartsTheFirstInstanceWithTheFirstMessage) {
  set_up_stream([](StreamSetup& s) { s.watcher = "PROVISIONER"; });
  ThreadProvisionerOptions options;
  options.idle_after = milliseconds(200);
  ThreadProvisioner pool(connection(), kStream, kConsumer, nothing, options);
  RateLaw law;
  law.step = law.window = std::chrono::hours(1);  // no step of the clock can be what starts it
  auto running = start(pool, {.law = law});
  ASSERT_TRUE(running) << running.error().message;
  const auto requester = Requester::create(connection()).value();
  ASSERT_TRUE(requester->request("test.a", "x", {.timeout = kPatience}));
  EXPECT_EQ(events.of(Kind::kNewMessages).size(), 1);
  EXPECT_EQ(events.of(Kind::kScaling).size(), 1);
}

TEST_F(ScalingTest, TheRateLawGoesToZeroAndTakesItsWatcherAlong) {
  set_up_stream([](StreamSetup& s) { s.watcher = "PROVISIONER"; });
  ThreadProvisionerOptions options;
  options.idle_after = milliseconds(100);
  ThreadProvisioner pool(connection(), kStream, kConsumer, nothing, options);
  {
    auto running = start(pool, {.law = quick_rate_law()});
    ASSERT_TRUE(running) << running.error().message;
    client.publish_many("test.a", 2'000);
    ASSERT_TRUE(eventually([&] { return pool.stats().processed == 2'000; }));
    ASSERT_TRUE(eventually([&] { return running->instances() == 0; }));
    EXPECT_TRUE(events.saw(Kind::kNoMessages));
  }
  for (const auto& s : events.of(Kind::kScaling)) EXPECT_GE(s.to, 0);
  // Left behind, it would hold every message from now on.
  const auto gone = client.api("$JS.API.CONSUMER.INFO.TEST.PROVISIONER");
  EXPECT_EQ(gone["error"]["err_code"], 10014);
  ASSERT_TRUE(settled(client));
  EXPECT_EQ(client.stream(kStream)["state"]["messages"], 0);
}

// The watcher never sees these: they were there before it.
TEST_F(ScalingTest, TheRateLawStartsOneForWhatWaitsAlready) {
  set_up_stream();
  client.publish_many("test.a", 20);
  ThreadProvisioner pool(connection(), kStream, kConsumer, nothing);
  auto running = start(pool, {.law = quick_rate_law()});
  ASSERT_TRUE(running) << running.error().message;
  EXPECT_TRUE(eventually([&] { return pool.stats().processed == 20; }));
}

TEST_F(ScalingTest, AWatcherThatSomebodyDeletesIsMadeAgain) {
  set_up_stream();
  ThreadProvisionerOptions options;
  options.idle_after = milliseconds(100);
  ThreadProvisioner pool(connection(), kStream, kConsumer, nothing, options);
  auto running = start(pool, {.law = quick_rate_law()});
  ASSERT_TRUE(running) << running.error().message;
  client.delete_consumer(kStream, "PROVISIONER");
  EXPECT_TRUE(
      eventually([&] { return !client.api("$JS.API.CONSUMER.INFO.TEST.PROVISIONER").contains("error"); }));
  client.publish("test.a");
  EXPECT_TRUE(eventually([&] { return pool.stats().processed == 1; }));
}

// ---- the end

TEST_F(ScalingTest, TheEndStopsWhatRunsAndSaysSo) {
  set_up_stream();
  Idle idle;
  ObjectiveLaw law;
  law.min_instances = 3;
  auto running = start(idle, {.law = law});
  ASSERT_TRUE(running);
  ASSERT_TRUE(eventually([&] { return running->instances() == 3; }));
  running->stop();
  EXPECT_EQ(idle.stopped, 3);
  const auto all = events.all();
  ASSERT_GE(all.size(), 5);
  EXPECT_EQ(all[all.size() - 5].kind, Kind::kStopping);
  EXPECT_EQ(all[all.size() - 4].kind, Kind::kScaling);
  EXPECT_EQ(all[all.size() - 4].from, 3);
  EXPECT_EQ(all[all.size() - 4].to, 0);
  EXPECT_EQ(all.back().kind, Kind::kStopped);
  EXPECT_EQ(all.back().instance, "i1");  // newest first, so the oldest last
}

TEST_F(ScalingTest, TheStopTokenEndsItToo) {
  set_up_stream();
  Idle idle;
  ObjectiveLaw law;
  law.min_instances = 1;
  std::stop_source stop;
  ProvisionerOptions options{.law = law, .on_event = events.recorder()};
  auto running = start_provisioner(stop.get_token(), connection(), idle, kStream, kConsumer, options);
  ASSERT_TRUE(running);
  ASSERT_TRUE(eventually([&] { return running->instances() == 1; }));
  stop.request_stop();
  EXPECT_TRUE(eventually([&] { return idle.stopped == 1; }));
  EXPECT_EQ(events.of(Kind::kStopping).at(0).reason, "stop was requested");
}

TEST_F(ScalingTest, ACallbackMayEndItsSubscriptionAndThrow) {
  set_up_stream();
  Idle idle;
  ObjectiveLaw law;
  law.min_instances = 1;
  std::mutex mutex;
  std::optional<Subscription> running;
  std::atomic<bool> asked{false};
  ProvisionerOptions options{.law = law};
  options.on_event = [&](const ProvisionerEvent& e) {
    if (e.kind == Kind::kStarted) {
      const std::lock_guard lock(mutex);
      if (running) running->stop();
      asked = true;
    }
    throw std::runtime_error("the host's own mistake");
  };
  {
    const std::lock_guard lock(mutex);
    running.emplace(start_provisioner({}, connection(), idle, kStream, kConsumer, options).value());
  }
  EXPECT_TRUE(eventually([&] { return asked && idle.stopped == 1; }));
  running->stop();
}

TEST_F(ScalingTest, AStartThatThrowsIsToldAndTriedAgain) {
  set_up_stream();
  class Clumsy final : public Idle {
    Result<InstanceId> start_instance(std::stop_token stop) override {
      if (++tries < 3) throw std::runtime_error("no room");
      return Idle::start_instance(std::move(stop));
    }
    std::atomic<int> tries{0};
  } clumsy;
  ObjectiveLaw law;
  law.min_instances = 1;
  auto running = start(clumsy, {.law = law});
  ASSERT_TRUE(running);
  ASSERT_TRUE(eventually([&] { return running->instances() == 1; }));
  EXPECT_THAT(events.of(Kind::kTrouble).at(0).reason, HasSubstr("no room"));
}

TEST_F(ScalingTest, AStartThatHangsIsToldAndDelaysNoDecision) {
  set_up_stream();
  class Stuck final : public Idle {
    Result<InstanceId> start_instance(std::stop_token stop) override {
      while (!stop.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
      return Error{ErrorCode::kTimeout, "gave up", true};
    }
  } stuck;
  ObjectiveLaw law;
  law.min_instances = 1;
  law.sample_interval = law.check_interval = milliseconds(20);
  auto running = start(stuck, {.law = law, .call_timeout = milliseconds(100)});
  ASSERT_TRUE(running);
  ASSERT_TRUE(events.saw(Kind::kTrouble, 2));
  EXPECT_THAT(events.of(Kind::kTrouble).at(0).reason, HasSubstr("has not returned"));
  EXPECT_THAT(events.of(Kind::kTrouble).at(1).reason, HasSubstr("gave up"));
}

// ---- around it

TEST_F(ScalingTest, SurvivesAServerThatGoesAndComesBack) {
  set_up_stream();
  ThreadProvisioner pool(connection(), kStream, kConsumer, nothing);
  ObjectiveLaw law;
  law.sample_interval = law.check_interval = milliseconds(50);
  auto running = start(pool, {.law = law});
  ASSERT_TRUE(running);
  client.publish("test.a");
  ASSERT_TRUE(eventually([&] { return pool.stats().processed == 1; }));
  server.stop();
  ASSERT_TRUE(events.saw(Kind::kTrouble));
  EXPECT_THAT(events.of(Kind::kTrouble).at(0).reason, HasSubstr("queue: "));
  server.start();
  NatsClient later(server.url());
  later.publish("test.a");
  EXPECT_TRUE(eventually([&] { return pool.stats().processed == 2; }));
}

TEST_F(ScalingTest, SeveralInOneProgramOnAnAdoptedConnection) {
  set_up_stream();
  ASSERT_TRUE(set_up(connection(), {.stream = "OTHER", .subjects = {"other.*"}, .consumer = "W"}, kPatience));
  NatsClient host(server.url());
  {
    const Connection adopted = adopt(host.get());
    EXPECT_TRUE(adopted.connected());
    ThreadProvisioner a(adopted, kStream, kConsumer, nothing), b(adopted, "OTHER", "W", nothing);
    auto first = start_provisioner({}, adopted, a, kStream, kConsumer);
    auto second = start_provisioner({}, adopted, b, "OTHER", "W", {.law = quick_rate_law()});
    ASSERT_TRUE(first);
    ASSERT_TRUE(second);
    client.publish_many("test.a", 30);
    client.publish_many("other.a", 40);
    EXPECT_TRUE(eventually([&] { return a.stats().processed == 30 && b.stats().processed == 40; }));
  }
  host.publish("test.a");  // it is the host's still
}

TEST_F(ScalingTest, TellsWhatIsWrongBeforeItStarts) {
  set_up_stream();
  Idle idle;
  const auto code = [&](const std::string& stream, const std::string& consumer, ProvisionerOptions o = {}) {
    const auto r = start_provisioner({}, connection(), idle, stream, consumer, std::move(o));
    return r ? ErrorCode::kInternal : r.error().code;
  };
  EXPECT_EQ(code("NOWHERE", kConsumer), ErrorCode::kNotFound);
  EXPECT_EQ(code(kStream, "NOBODY"), ErrorCode::kNotFound);
  EXPECT_EQ(code("a b", kConsumer), ErrorCode::kInvalid);
  EXPECT_EQ(code(kStream, kConsumer, {.law = ObjectiveLaw{.min_instances = 3, .max_instances = 2}}),
            ErrorCode::kInvalid);
  EXPECT_EQ(code(kStream, kConsumer, {.law = ObjectiveLaw{.quantile = 1.5}}), ErrorCode::kInvalid);
  EXPECT_EQ(code(kStream, kConsumer, {.law = RateLaw{.watcher = "a.b"}}), ErrorCode::kInvalid);
  client.create_consumer(kStream, "PUSH", {{"deliver_subject", "somewhere"}});
  EXPECT_EQ(code(kStream, "PUSH"), ErrorCode::kInvalid);
  const auto r = Connection::connect("nats://127.0.0.1:1");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Connection::connect("").error().code, ErrorCode::kInvalid);
}

TEST_F(ScalingTest, SetUpUsesWhatIsThereUnlessItWouldLoseMessages) {
  set_up_stream([](StreamSetup& s) { s.watcher = "PROVISIONER"; });
  set_up_stream([](StreamSetup& s) { s.watcher = "PROVISIONER"; });
  for (const auto* name : {kConsumer, "PROVISIONER"}) {
    const auto info = client.consumer(kStream, name);
    EXPECT_EQ(info["config"]["durable_name"], name);
    EXPECT_FALSE(info["config"].contains("inactive_threshold") && info["config"]["inactive_threshold"] != 0);
  }
  EXPECT_EQ(client.stream(kStream)["config"]["retention"], "interest");
  EXPECT_EQ(client.consumer(kStream, "PROVISIONER")["config"]["ack_policy"], "all");
  EXPECT_EQ(client.consumer(kStream, "PROVISIONER")["config"]["headers_only"], true);

  client.create_stream("LIMITS", {"limits"});
  const auto refused = set_up(connection(), {.stream = "LIMITS", .subjects = {"limits"}, .consumer = "C"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  client.create_consumer(kStream, "SHORT", {{"inactive_threshold", 60'000'000'000}});
  const auto brief = set_up(connection(), {.stream = kStream, .subjects = {"test.*"}, .consumer = "SHORT"});
  ASSERT_FALSE(brief);
  EXPECT_EQ(brief.error().code, ErrorCode::kConflict);
  EXPECT_THAT(brief.error().message, HasSubstr("inactive threshold"));
  EXPECT_EQ(set_up(connection(), {.stream = "a.b", .subjects = {"x"}, .consumer = "C"}).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(set_up(connection(), {.stream = "NEW", .subjects = {}, .consumer = "C"}).error().code,
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace docktor::test
