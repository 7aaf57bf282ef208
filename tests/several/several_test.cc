// One service on two queues of different kinds, against real servers: a JetStream consumer and a Redis stream.
#include "queues/several.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "core/flow.h"
#include "tests/nats/reader.h"
#include "tests/redis/reader.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class TwoQueues : public testing::Test, public SourceReader {
 protected:
  TwoQueues() {
    nats.create_stream("PUSH", {"push.>"});
    nats.create_consumer("PUSH", "PUSHERS");
    const auto push = queue_at(nats_server.url(), "PUSH", "PUSHERS");
    const auto mail = stream_at(redis_server.url(), "mail", "mailers");
    std::vector<SeveralQueues::Part> parts;
    parts.push_back({"push", std::make_unique<JetStreamSource>(jetstreams.get(NatsLinkOptions::from(push)),
                                                               JetStreamSource::options_from(push, true))});
    parts.push_back({"mail", std::make_unique<RedisSource>(redises.get(RedisLoginOptions::from(mail)),
                                                           wakes.get(RedisLoginOptions::from(mail)), mail)});
    both = std::make_unique<SeveralQueues>(std::move(parts));
  }

  Source& source() override { return *both; }

  void mail(int count) {
    for (int i = 0; i < count; ++i) redis_server.cli("XADD mail '*' n 1");
  }
  /// Of a sum that lacks a part: which, and what waits in the other.
  Reading without() {
    Reading out;
    EXPECT_TRUE(eventually([&] {
      const auto r = read();
      if (r && r->part_missing) out = *r;
      return out.part_missing.has_value();
    }));
    return out;
  }
  QueueSample whole() {
    QueueSample out;
    EXPECT_TRUE(eventually([&] {
      const auto r = read();
      if (r && r->queue) out = *r->queue;
      return r && r->queue.has_value();
    }));
    return out;
  }

  NatsServer nats_server;
  RedisServer redis_server;
  NatsClient nats{nats_server.url()};
  JetStreamConnections jetstreams;
  RedisRouters redises;
  StreamWakes wakes;
  std::unique_ptr<SeveralQueues> both;
};

TEST_F(TwoQueues, CountsAreTheSumsOfWhatWasPutInAndDone) {
  redis_server.cli("XGROUP CREATE mail mailers 0 MKSTREAM");
  nats.publish_many("push.a", 30);
  mail(20);
  const auto before = whole();
  EXPECT_EQ(before.num_pending, 50u);
  EXPECT_EQ(before.num_ack_pending, 0u);

  // 12 more come; 10 are taken from push and done, 5 taken from mail and 3 of them done.
  nats.publish_many("push.a", 8);
  mail(4);
  for (const auto& m : nats.pull("PUSH", "PUSHERS", 10)) nats.ack(m);
  redis_server.cli("XREADGROUP GROUP mailers w COUNT 5 STREAMS mail '>'");
  redis_server.cli(
      "EVAL \"for i, e in ipairs(redis.call('XRANGE', 'mail', '-', '+', 'COUNT', 3)) do redis.call('XACK', "
      "'mail', "
      "'mailers', e[1]) end return 1\" 0");
  const auto after = whole();
  EXPECT_EQ(after.num_pending, 47u);
  EXPECT_EQ(after.num_ack_pending, 2u);
  const auto [reset, flow] = flow_between(before, after, std::chrono::seconds(1));
  EXPECT_FALSE(reset);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->arrivals, 12);
  EXPECT_EQ(flow->deliveries, 15);
  EXPECT_EQ(flow->settled, 13);
}

TEST_F(TwoQueues, AServerThatIsDownIsNamedAndWhatTheOtherHoldsIsKnown) {
  redis_server.cli("XGROUP CREATE mail mailers 0 MKSTREAM");
  nats.publish_many("push.a", 3);
  whole();
  redis_server.kill();
  auto r = without();
  EXPECT_THAT(r.part_missing->message, StartsWith("mail: "));
  EXPECT_EQ(r.part_waits, "3 messages waiting in push (nothing is known of mail)");
  redis_server.start();
  mail(1);
  EXPECT_EQ(whole().num_pending, 4u);
  nats_server.kill();
  r = without();
  EXPECT_THAT(r.part_missing->message, StartsWith("push: "));
  EXPECT_EQ(r.part_waits, "1 message waiting in mail (nothing is known of push)");
  nats_server.start();
  EXPECT_EQ(whole().num_pending, 4u);
}

TEST_F(TwoQueues, AQueueThatIsNotThereYetIsItsOwnState) {
  redis_server.cli("XGROUP CREATE mail mailers 0 MKSTREAM");
  mail(2);
  whole();
  nats.delete_consumer("PUSH", "PUSHERS");
  const auto r = without();
  EXPECT_EQ(r.part_missing->code, ErrorCode::kNotFound);
  EXPECT_THAT(r.part_missing->message, StartsWith("push: "));
  EXPECT_EQ(r.part_waits, "2 messages waiting in mail (nothing is known of push)");
  EXPECT_THAT(findings(), HasSubstr("push: "));
  nats.create_consumer("PUSH", "PUSHERS");
  EXPECT_EQ(whole().num_pending, 2u);
}

TEST_F(TwoQueues, OneThatIsMadeAnewIsAResetOnce) {
  redis_server.cli("XGROUP CREATE mail mailers 0 MKSTREAM");
  nats.publish_many("push.a", 3);
  const auto before = whole();
  nats.delete_consumer("PUSH", "PUSHERS");
  nats.create_consumer("PUSH", "PUSHERS");
  const auto anew = whole();
  EXPECT_TRUE(flow_between(before, anew, std::chrono::seconds(1)).reset);
  mail(2);
  const auto [reset, flow] = flow_between(anew, whole(), std::chrono::seconds(1));
  EXPECT_FALSE(reset);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->arrivals, 2);
}

TEST_F(TwoQueues, AMessageInEitherWakes) {
  redis_server.cli("XGROUP CREATE mail mailers 0 MKSTREAM");
  whole();
  std::atomic<int> woken = 0;
  const auto watched = [&](const std::function<void()>& put) {
    woken = 0;
    both->watch([&] { ++woken; });
    return eventually([&] {
      put();  // until the watch is set, a message is not seen
      return woken > 0;
    });
  };
  EXPECT_TRUE(watched([&] { nats.publish("push.a"); }));
  EXPECT_TRUE(watched([&] { mail(1); }));
  both->watch({});
}

}  // namespace
}  // namespace docktor::test
