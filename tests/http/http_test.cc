// Kind http against an endpoint of the test's own: what it says becomes figures, and whatever is none becomes no data.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <future>

#include "core/flow.h"
#include "queues/http/http_inquiry.h"
#include "tests/http/reader.h"
#include "tests/support/temp_dir.h"
#include "tests/support/web_stub.h"

namespace docktor::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class HttpQueueTest : public testing::Test {
 protected:
  static WebReply json(std::string body) { return {.body = std::move(body)}; }
  void says(const std::string& body) {
    server.script([body](const WebRequest&) { return json(body); });
  }
  HttpQueueSpec spec(const std::string& pointer = "/jobs/waiting") const {
    HttpQueueSpec s;
    s.login.url = parse_http_url(server.url() + "/stats?of=mail").value();
    s.pointers = {{Figure::kBacklog, pointer}};
    return s;
  }
  static double unix_now() { return instant_now().unix_seconds; }

  WebStub server{[](const WebRequest&) { return json(R"({"jobs": {"waiting": 3, "busy": 2}})"); }};
};

TEST_F(HttpQueueTest, FiguresAreWhatTheEndpointSays) {
  auto s = spec();
  s.pointers = {{Figure::kBacklog, "/p"},   {Figure::kInFlight, "/a"},    {Figure::kArrivals, "/in"},
                {Figure::kSettled, "/out"}, {Figure::kOldestAge, "/age"}, {Figure::kScheduled, "/later"},
                {Figure::kConsumers, "/c"}, {Figure::kDead, "/dead"}};
  says(R"({"p": 6.2, "a": 2, "in": 100, "out": "92", "age": 1.5, "later": 4, "c": 3, "dead": 1})");
  HttpReader reader(s);
  const auto q = reader.sample();
  EXPECT_EQ(q.num_pending, 7u) << "a part of a message waits as a whole one does";
  EXPECT_EQ(q.num_ack_pending, 2u);
  EXPECT_EQ(q.totals.arrived, 100u);
  EXPECT_EQ(q.totals.settled, 92u);
  EXPECT_EQ(q.oldest_age, Duration(milliseconds(1500)));
  EXPECT_EQ(q.scheduled, 4u);
  EXPECT_EQ(q.consumers, 3u);
  EXPECT_EQ(q.dead, 1u);
  EXPECT_EQ(server.last().method, "GET");
  EXPECT_EQ(server.last().path, "/stats?of=mail");
}

TEST_F(HttpQueueTest, WhatIsNotAskedForIsNotTold) {
  const auto q = HttpReader(spec()).sample();
  EXPECT_EQ(q.num_pending, 3u);
  EXPECT_FALSE(q.num_ack_pending || q.totals.arrived || q.totals.settled || q.oldest_age || q.scheduled ||
               q.dead);
}

TEST_F(HttpQueueTest, WhateverIsNoFigureIsNoDataWithItsName) {
  auto s = spec("/p");
  s.pointers[Figure::kInFlight] = "/a";
  HttpReader reader(s);
  const auto error = [&](const std::string& body) {
    says(body);
    const auto r = reader.read();
    return r ? "it was taken" : r.error().message;
  };
  EXPECT_THAT(error(R"({"p": null, "a": 1})"), HasSubstr("backlog: /p is null"));
  EXPECT_THAT(error(R"({"p": 1, "a": "many"})"), HasSubstr("in_flight: /a is the text \"many\""));
  EXPECT_THAT(error(R"({"p": -4, "a": 1})"), HasSubstr("backlog is negative: no data"));
  EXPECT_THAT(error(R"({"p": 1})"), HasSubstr("in_flight: the answer has no /a (the answer has p)"));
  EXPECT_THAT(error(R"({"p": NaN, "a": 1})"), HasSubstr("the answer is no JSON"));
  EXPECT_THAT(error(R"({"p": 1, "a": 1e999})"), HasSubstr("no JSON"));
  EXPECT_THAT(error(""), HasSubstr("the answer is empty"));
  EXPECT_THAT(error("<html>\x1b[31m"),
              testing::AllOf(HasSubstr("it begins with <html>"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(error(std::string(100'000, '[')), HasSubstr("no JSON"));
  EXPECT_EQ(error(R"({"p": 1, "a": 0})"), "it was taken");
}

TEST_F(HttpQueueTest, FiguresThatAreTooOldAreNoData) {
  auto s = spec("/p");
  s.as_of = "/at";
  HttpReader reader(s);
  says(fmt::format(R"({{"p": 5, "at": {}}})", unix_now() - 20));
  EXPECT_EQ(reader.sample().num_pending, 5u);
  says(fmt::format(R"({{"p": 5, "at": {}}})", unix_now() - 90));
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message,
              HasSubstr("older than 1m (as_of, max_age): no data"));
  says(fmt::format(R"({{"p": 5, "at": {}}})", unix_now() + 900));
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("set the two clocks"));
  says(R"({"p": 5, "at": "yesterday"})");
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("as_of: /at is the text"));
  says(R"({"p": 5})");
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("as_of: the answer has no /at"));
}

TEST_F(HttpQueueTest, StatusesOfEveryKindAreErrors) {
  HttpReader reader(spec());
  const auto error = [&](WebReply r) {
    server.script([r](const WebRequest&) { return r; });
    const auto got = reader.read();
    return got ? Error{ErrorCode::kInternal, "it was taken", false} : got.error();
  };
  const auto good = R"({"jobs": {"waiting": 3}})";
  EXPECT_EQ(error({.status = 401, .body = good}).code, ErrorCode::kDenied);
  EXPECT_THAT(error({.status = 403, .body = good}).message,
              HasSubstr("refuses a request without user or token"));
  EXPECT_THAT(error({.status = 404, .body = good}).message, HasSubstr("nothing at this path"));
  EXPECT_THAT(error({.status = 302, .body = good, .headers = {"Location: http://127.0.0.1:1/"}}).message,
              HasSubstr("points to another address"));
  EXPECT_THAT(error({.status = 503, .body = good}).message, HasSubstr("answers with status 503"));
  EXPECT_EQ(error({.body = good, .cut_off = true}).code, ErrorCode::kUnavailable);
  EXPECT_EQ(error({.body = std::string(2 << 20, ' ') + good}).code, ErrorCode::kExhausted);
  EXPECT_EQ(error({.body = std::string(1 << 16, ' '), .endless = true}).code, ErrorCode::kExhausted);
  EXPECT_EQ(error({.body = good}).message, "it was taken");
}

TEST_F(HttpQueueTest, ASlowAnswerIsATimeoutAndHoldsUpNobodyElse) {
  server.script([](const WebRequest& r) {
    return WebReply{.body = R"({"p": 1})", .delay = seconds(r.path.starts_with("/slow") ? 30 : 0)};
  });
  auto slow = spec("/p"), quick = spec("/p");
  slow.login.url.path = "/slow";
  Askers askers;
  HttpReader a(slow, askers), b(quick, askers);
  auto late = std::async(std::launch::async, [&] { return a.read(seconds(5)); });
  EXPECT_EQ(b.sample().num_pending, 1u);
  EXPECT_EQ(late.wait_for(seconds(0)), std::future_status::timeout) << "b has not waited for a";
  const auto r = late.get();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(r.error().message, HasSubstr("does not answer in time"));
}

TEST_F(HttpQueueTest, AServerThatGoesAndComesBack) {
  HttpReader reader(spec());
  EXPECT_EQ(reader.sample().num_pending, 3u);
  for (int round = 0; round < 3; ++round) {
    server.stop();
    const auto e = reader.error(ErrorCode::kUnavailable);
    EXPECT_THAT(e.message, HasSubstr(server.url() + " does not answer"));
    EXPECT_EQ(reader.error(ErrorCode::kUnavailable).message, e.message) << "a log tells it once";
    server.start();
    EXPECT_EQ(reader.sample().num_pending, 3u);
  }
}

TEST_F(HttpQueueTest, TokensOfAFileAreReadAnewAndNeverShown) {
  TempDir dir;
  auto s = spec();
  s.login.token_file = dir.file("token", "first-secret\n");
  server.script([](const WebRequest& r) {
    const auto sent = r.header("Authorization");
    return WebReply{.status = sent == "Bearer second-secret" ? 200 : 401,
                    .body = R"({"jobs": {"waiting": 3}})"};
  });
  HttpReader reader(s);
  const auto e = reader.error(ErrorCode::kDenied);
  EXPECT_THAT(e.message, HasSubstr("refuses the token of queue.token_file (status 401)"));
  EXPECT_THAT(e.message, Not(HasSubstr("secret")));
  EXPECT_EQ(server.last().header("Authorization"), "Bearer first-secret");
  dir.file("token", "second-secret");
  EXPECT_EQ(reader.sample().num_pending, 3u);
  dir.file("token", "two\nlines");
  EXPECT_THAT(reader.error(ErrorCode::kDenied).message, HasSubstr("does not hold one line"));
  std::filesystem::remove(s.login.token_file);
  EXPECT_THAT(reader.error(ErrorCode::kDenied).message,
              HasSubstr("the token's file cannot be used: " + s.login.token_file));
}

TEST_F(HttpQueueTest, UsersAndHeadersAreSent) {
  auto s = spec();
  s.login.user = "me";
  s.login.password = "p:w";
  s.login.headers = {{"X-Scope-OrgID", "tenant"}};
  EXPECT_EQ(HttpReader(s).sample().num_pending, 3u);
  EXPECT_EQ(server.last().header("authorization"), basic_authorization("me", "p:w"));
  EXPECT_EQ(server.last().header("x-scope-orgid"), "tenant");
}

TEST_F(HttpQueueTest, ServicesOfOneServerShareOneConnection) {
  Askers askers;
  std::vector<std::unique_ptr<HttpReader>> readers;
  for (int i = 0; i < 50; ++i) readers.push_back(std::make_unique<HttpReader>(spec(), askers));
  for (auto& r : readers) EXPECT_EQ(r->sample().num_pending, 3u);
  EXPECT_EQ(server.connections(), 1);
  // All at the same moment: a few more, never one for each.
  std::atomic<int> answers{0};
  for (auto& r : readers)
    r->source().read({seconds(30), {}}, [&](const Result<Reading>& a) { answers += a.has_value(); });
  EXPECT_TRUE(eventually([&] { return answers == 50; }));
  EXPECT_LE(server.connections(), 5);
  auto other = spec();
  other.login.user = "x";
  EXPECT_NE(asker_of(askers, spec().login, {}), asker_of(askers, other.login, {}));
}

TEST_F(HttpQueueTest, ASourceThatGoesAnswersWhatWasAsked) {
  server.script([](const WebRequest&) { return WebReply{.body = "{}", .delay = seconds(30)}; });
  std::atomic<int> answers{0};
  {
    HttpReader reader(spec());
    reader.source().read({seconds(30), {}}, [&](const Result<Reading>& r) { answers += !r; });
  }
  EXPECT_EQ(answers, 1);
}

TEST_F(HttpQueueTest, RatesBecomeFlows) {
  auto s = spec("/p");
  s.pointers[Figure::kRateIn] = "/in";
  says(R"({"p": 0, "in": 1000})");
  HttpReader reader(s);
  const auto from = std::chrono::steady_clock::now();
  const auto before = reader.sample();
  std::uint64_t came = 0;
  const auto after = reader.sample([&](const QueueSample& q) {
    came = *q.totals.arrived - *before.totals.arrived;
    return came >= 200;
  });
  const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  EXPECT_LE(static_cast<double>(came), 1000 * passed + 1);
  EXPECT_EQ(before.totals.incarnation, after.totals.incarnation);
  EXPECT_FALSE(before.totals.settled);
}

TEST_F(HttpQueueTest, ACounterThatGoesBackIsAReset) {
  auto s = spec("/p");
  s.pointers[Figure::kArrivals] = "/in";
  HttpReader reader(s);
  says(R"({"p": 1, "in": 1000})");
  const auto before = reader.sample();
  says(R"({"p": 1, "in": 5})");
  const auto after = reader.sample();
  EXPECT_TRUE(flow_between(before, after, seconds(1)).reset);
}

TEST_F(HttpQueueTest, ValidateTellsWhatItSeesAndWhatItWillNot) {
  EXPECT_THAT(
      HttpReader(spec()).findings(),
      testing::AllOf(HasSubstr("ok: " + server.url() + " answers"), HasSubstr("ok: figures: backlog 3"),
                     HasSubstr("warning: how old the figures are"), HasSubstr("warning: messages in hand")));
  EXPECT_THAT(HttpReader(spec("/jobs/ready")).findings(),
              HasSubstr("error: backlog: the answer has no /jobs/ready (/jobs has busy, waiting)"));
  server.stop();
  EXPECT_THAT(HttpReader(spec()).findings(), HasSubstr("error: " + server.url() + " does not answer"));
}

}  // namespace
}  // namespace docktor::test
