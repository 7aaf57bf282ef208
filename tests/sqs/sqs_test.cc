// Kind sqs against ElasticMQ, and against a proxy before it that makes its answers stale or broken.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>

#include "core/flow.h"
#include "os/http_client.h"
#include "queues/sqs/sqs_inquiry.h"
#include "queues/sqs/sqs_kind.h"
#include "tests/sqs/elasticmq.h"
#include "tests/sqs/reader.h"
#include "tests/support/missing.h"
#include "tests/support/web_stub.h"

namespace docktor::test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class SqsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (ElasticMq::is_there()) server = std::make_unique<ElasticMq>();
  }
  static void TearDownTestSuite() { server.reset(); }
  void SetUp() override {
    if (server) return;
    SKIP_FOR_WANT_OF("ElasticMQ is not there: scripts/fetch-elasticmq.sh");
  }
  static std::unique_ptr<ElasticMq> server;
};
std::unique_ptr<ElasticMq> SqsTest::server;

TEST_F(SqsTest, CountsAgreeWithTheTestsOwnAndNothingIsTaken) {
  server->create("counts", {{"VisibilityTimeout", "300"}});
  SqsReader reader(spec_at(server->queue("counts")));
  EXPECT_EQ(reader.sample().num_pending, 0u);
  server->send("counts", 25);
  server->call("SendMessage",
               {{"QueueUrl", server->queue("counts")}, {"MessageBody", "later"}, {"DelaySeconds", 600}});
  const auto one = server->receive("counts"), two = server->receive("counts");
  const auto q = reader.with_backlog(23);
  EXPECT_EQ(q.num_ack_pending, 2u);
  EXPECT_EQ(q.scheduled, 1u);
  EXPECT_EQ(q.redelivered_after, Duration(seconds(300)));
  EXPECT_FALSE(q.totals.arrived || q.totals.settled || q.totals.delivered || q.dead || q.consumers);
  server->remove("counts", one);
  EXPECT_EQ(reader.sample([](const QueueSample& s) { return s.num_ack_pending == 1; }).num_pending, 23u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(reader.sample().num_pending, 23u);
  server->call("PurgeQueue", {{"QueueUrl", server->queue("counts")}});
  const auto purged = flow_between(q, reader.with_backlog(0), seconds(1));
  EXPECT_FALSE(purged.reset || purged.flow) << "neither what came nor what went is made up";
}

TEST_F(SqsTest, AQueueThatIsNotThereYetAndOneMadeAnew) {
  SqsReader reader(spec_at(server->queue("later")));
  const auto e = reader.error(ErrorCode::kNotFound);
  EXPECT_THAT(e.message, HasSubstr("queue later is not there yet (" + server->queue("later")));
  server->create("later");
  server->send("later", 3);
  const auto before = reader.with_backlog(3);
  server->call("DeleteQueue", {{"QueueUrl", server->queue("later")}});
  reader.error(ErrorCode::kNotFound);
  server->create("later");
  EXPECT_EQ(reader.with_backlog(0).num_ack_pending, 0u);
  // When it was made SQS tells in whole seconds: another one of the same second looks like the first.
  EXPECT_TRUE(eventually([&] {
    server->call("DeleteQueue", {{"QueueUrl", server->queue("later")}});
    server->create("later");
    return flow_between(before, reader.sample(), seconds(1)).reset;
  }));
}

TEST_F(SqsTest, WorkOfAKilledWorkerComesAgainAfterTheVisibilityTimeout) {
  server->create("killed", {{"VisibilityTimeout", "1"}});
  server->send("killed", 1);
  EXPECT_NE(server->receive("killed"), "");
  SqsReader reader(spec_at(server->queue("killed")));
  EXPECT_EQ(reader.sample().redelivered_after, Duration(seconds(1)));
  EXPECT_EQ(reader.with_backlog(1).num_ack_pending, 0u);
}

TEST_F(SqsTest, TheDeadLetterQueueIsTold) {
  server->create("dead");
  server->send("dead", 4);
  server->create(
      "mail",
      {{"RedrivePolicy",
        R"({"deadLetterTargetArn":"arn:aws:sqs:elasticmq:000000000000:dead","maxReceiveCount":"3"})"}});
  SqsReader reader(spec_at(server->queue("mail")));
  EXPECT_EQ(reader.sample([](const QueueSample& q) { return q.dead.has_value(); }).dead, 4u);
  EXPECT_THAT(
      reader.findings(),
      testing::AllOf(
          HasSubstr("ok: queue mail is there: 0 messages ready"),
          HasSubstr(
              "dead-letter queue after 3 receives: arn:aws:sqs:elasticmq:000000000000:dead (4 messages)")));
}

TEST_F(SqsTest, MessageGroupsOfAFifoQueueAreTheBound) {
  server->create("orders.fifo", {{"FifoQueue", "true"}, {"ContentBasedDeduplication", "true"}});
  auto spec = spec_at(server->queue("orders.fifo"));
  EXPECT_FALSE(SqsReader(spec).sample().useful);
  EXPECT_THAT(SqsReader(spec).findings(), HasSubstr("write message_groups"));
  spec.message_groups = 4;
  const auto q = SqsReader(spec).sample();
  ASSERT_TRUE(q.useful);
  EXPECT_EQ(q.useful->most, 4);
  EXPECT_EQ(q.useful->why, "4 message groups");

  // Two groups: with one message of each in hand no other is given out, and what waits is told all the same.
  for (int i = 0; i < 6; ++i)
    server->call("SendMessage", {{"QueueUrl", server->queue("orders.fifo")},
                                 {"MessageBody", std::to_string(i)},
                                 {"MessageGroupId", i % 2 == 0 ? "even" : "odd"}});
  EXPECT_NE(server->receive("orders.fifo"), "");
  EXPECT_NE(server->receive("orders.fifo"), "");
  EXPECT_EQ(server->receive("orders.fifo"), "");
  SqsReader reader(spec);
  EXPECT_EQ(reader.with_backlog(4).num_ack_pending, 2u);
}

TEST_F(SqsTest, ASampleCostsARequestOnlyWhenOneIsDue) {
  server->create("costs");
  std::atomic<int> requests{0};
  HttpClient behind({.base_url = server->url()});
  WebStub proxy([&](const WebRequest& r) {
    ++requests;
    const auto a = behind.send({.method = "POST",
                                .path = "/",
                                .body = r.body,
                                .content_type = "application/x-amz-json-1.0",
                                .headers = {"X-Amz-Target: " + r.header("X-Amz-Target")}});
    return a ? WebReply{.status = a->status, .body = a->body} : WebReply{.status = 502};
  });
  auto spec = spec_at(server->queue("costs"), std::chrono::hours(1));
  spec.url = parse_http_url(proxy.url() + "/x").value();
  SqsReader reader(spec);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(reader.sample().step, Duration(std::chrono::hours(1)));
  EXPECT_EQ(requests, 1);
  EXPECT_THAT(reader.source().watch_gap(), HasSubstr("asked every 1h, 24 requests a day"));
}

TEST_F(SqsTest, AFailureKeepsItsReasonUntilTheNextRequest) {
  server->create("away");
  std::atomic<int> requests{0};
  WebStub proxy([&](const WebRequest&) {
    ++requests;
    return WebReply{.status = 500, .body = R"({"__type": "InternalFailure"})"};
  });
  auto spec = spec_at(server->queue("away"), std::chrono::hours(1));
  spec.url = parse_http_url(proxy.url() + "/x").value();
  SqsReader broken(spec);
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(broken.read().error().message, HasSubstr("answers with status 500 (InternalFailure)"));
  EXPECT_EQ(requests, 1);
  proxy.stop();
  SqsReader gone(spec);
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(gone.read().error().message, HasSubstr(proxy.url() + " does not answer: Failed to connect"));
}

// As a request each hour would be: after a failure the next one is due in ten seconds.
TEST(SqsInquiryTest, AfterAFailureItAsksAgainSoon) {
  SqsInquiry inquiry(spec_at("http://h/0/q", std::chrono::hours(1)), [] { return std::string("nobody"); });
  const auto asks = [&](int after) {
    static const auto began = std::chrono::steady_clock::now();
    const auto step = inquiry.begin({began + seconds(after), 0});
    return step && std::holds_alternative<Inquiry::Requests>(*step);
  };
  EXPECT_TRUE(asks(0));
  inquiry.failed({ErrorCode::kUnavailable, "gone", true});
  EXPECT_FALSE(asks(5));
  EXPECT_TRUE(asks(10));
  const auto sample = inquiry.next(
      {{200,
        {},
        R"({"Attributes": {"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "0",
                     "ApproximateNumberOfMessagesDelayed": "0", "VisibilityTimeout": "30"}})"}},
      {});
  ASSERT_TRUE(sample);
  EXPECT_FALSE(asks(3000));
  EXPECT_TRUE(asks(3610));
}

// SQS's counts lag behind by a minute and more; what an answer lacks is no data.
TEST_F(SqsTest, StaleAnswersArePassedOnAndBrokenOnesAreNoData) {
  server->create("stale");
  server->send("stale", 5);
  enum { kLive, kFrozen, kLacks, kText, kDenied, kSlow, kLarge };
  std::atomic<int> how{kLive};
  std::string frozen;
  HttpClient behind({.base_url = server->url()});
  WebStub proxy([&](const WebRequest& r) -> WebReply {
    const auto a = behind.send({.method = "POST",
                                .path = "/",
                                .body = r.body,
                                .content_type = "application/x-amz-json-1.0",
                                .headers = {"X-Amz-Target: " + r.header("X-Amz-Target")}});
    if (!a) return {.status = 502};
    auto j = json::parse(a->body);
    switch (how) {
      case kFrozen:
        return {.body = frozen};
      case kLacks:
        j["Attributes"].erase("ApproximateNumberOfMessages");
        break;
      case kText:
        j["Attributes"]["ApproximateNumberOfMessagesNotVisible"] = "-1";
        break;
      case kDenied:
        return {.status = 403,
                .body = R"({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "no"})"};
      case kSlow:
        return {.body = a->body, .delay = seconds(30)};
      case kLarge:
        return {.body = std::string(1 << 16, ' '), .endless = true};
      default:
        frozen = a->body;
    }
    return {.status = a->status, .body = j.dump()};
  });
  auto spec = spec_at(server->queue("stale"));
  spec.url = parse_http_url(proxy.url() + "/x").value();
  SqsReader reader(spec);
  reader.with_backlog(5);
  how = kFrozen;
  server->send("stale", 5);
  EXPECT_EQ(reader.sample().num_pending, 5u);
  how = kLacks;
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message,
              HasSubstr("does not tell ApproximateNumberOfMessages: no data"));
  how = kText;
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message,
              HasSubstr("ApproximateNumberOfMessagesNotVisible as \"-1\""));
  how = kDenied;
  const auto denied = reader.error(ErrorCode::kDenied);
  EXPECT_THAT(denied.message, testing::AllOf(HasSubstr("AccessDenied"),
                                             HasSubstr("(queue stale, credentials of the configuration)"),
                                             Not(HasSubstr("s3cret"))));
  EXPECT_THAT(reader.findings(), HasSubstr("sqs:GetQueueAttributes"));
  how = kSlow;
  EXPECT_EQ(reader.error(ErrorCode::kTimeout, milliseconds(300)).code, ErrorCode::kTimeout);
  how = kLarge;
  EXPECT_EQ(reader.error(ErrorCode::kExhausted).code, ErrorCode::kExhausted);
  how = kLive;
  reader.with_backlog(10);
  proxy.stop();
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr(proxy.url() + " does not answer"));
  proxy.start();
  reader.with_backlog(10);
}

}  // namespace
}  // namespace docktor::test
