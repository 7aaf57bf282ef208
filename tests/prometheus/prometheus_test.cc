// Kind prometheus against a real server that scrapes an exporter of the test's own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "core/flow.h"
#include "queues/prometheus/prometheus_inquiry.h"
#include "tests/prometheus/prometheus_server.h"
#include "tests/prometheus/reader.h"
#include "tests/support/test_pki.h"

namespace docktor::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

// One server for all tests: each has series of its own.
class PrometheusTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    exporter = std::make_unique<Exporter>();
    server = std::make_unique<PrometheusServer>(PrometheusServer::Options{.exporter = exporter->port()});
  }
  static void TearDownTestSuite() {
    server.reset();
    exporter.reset();
  }
  static PrometheusSpec spec(const std::string& query) { return spec_at(server->url(), query); }

  static std::unique_ptr<Exporter> exporter;
  static std::unique_ptr<PrometheusServer> server;
};
std::unique_ptr<Exporter> PrometheusTest::exporter;
std::unique_ptr<PrometheusServer> PrometheusTest::server;

TEST_F(PrometheusTest, FiguresAgreeWithTheExporters) {
  exporter->set("a_waiting{q=\"x\"}", "6");
  exporter->set("a_waiting{q=\"y\"}", "1.5");
  exporter->set("a_busy", "2");
  exporter->set("a_in_total", "100");
  exporter->set("a_out_total", "92");
  exporter->set("a_age", "1.5");
  auto s = spec("sum(a_waiting)");
  s.queries[Figure::kInFlight] = "a_busy";
  s.queries[Figure::kArrivals] = "a_in_total";
  s.queries[Figure::kSettled] = "sum(a_out_total)";
  s.queries[Figure::kOldestAge] = "max(a_age)";
  s.queries[Figure::kConsumers] = "scalar(a_busy) + 1";
  PrometheusReader reader(s);
  const auto q = reader.sample();
  EXPECT_EQ(q.num_pending, 8u) << "a part of a message waits as a whole one does";
  EXPECT_EQ(q.num_ack_pending, 2u);
  EXPECT_EQ(q.totals.arrived, 100u);
  EXPECT_EQ(q.totals.settled, 92u);
  EXPECT_EQ(q.oldest_age, Duration(milliseconds(1500)));
  EXPECT_EQ(q.consumers, 3u);
  EXPECT_FALSE(q.scheduled || q.dead);
  exporter->set("a_waiting{q=\"x\"}", "40");
  reader.with_backlog(42);
}

TEST_F(PrometheusTest, WhateverIsNoNumberIsNoDataWithTheFiguresName) {
  exporter->set("b_good", "7");
  exporter->set("b_nan", "NaN");
  exporter->set("b_inf", "+Inf");
  exporter->set("b_minus", "-3");
  for (int i = 0; i < 5; ++i) exporter->set(fmt::format("b_many{{pod=\"p{}\"}}", i), "1");
  PrometheusReader(spec("b_good")).with_backlog(7);
  const auto error = [](const std::string& query) {
    return PrometheusReader(spec(query)).error(ErrorCode::kUnavailable).message;
  };
  EXPECT_THAT(error("b_nothing"),
              testing::AllOf(HasSubstr("query finds no series (b_nothing): no data"), HasSubstr("empty: 0")));
  EXPECT_THAT(error("b_nan"), HasSubstr("query is NaN: no data"));
  EXPECT_THAT(error("b_inf"), HasSubstr("query is +Inf"));
  EXPECT_THAT(error("b_good / 0"), HasSubstr("query is +Inf"));
  EXPECT_THAT(error("b_minus"), HasSubstr("query is negative"));
  EXPECT_THAT(error("b_many"), testing::AllOf(HasSubstr("query is 5 series"), HasSubstr("pod"),
                                              HasSubstr("wrap it in sum()")));
  EXPECT_THAT(error("b_good[1m]"), HasSubstr("is a matrix"));
  EXPECT_THAT(error("sum(("), HasSubstr("query cannot be had"));
  auto s = spec("b_good");
  s.queries[Figure::kInFlight] = "b_nothing";
  EXPECT_THAT(PrometheusReader(s).error(ErrorCode::kUnavailable).message,
              HasSubstr("in_flight finds no series"));
  s.empty_is_zero = true;
  EXPECT_EQ(PrometheusReader(s).sample().num_ack_pending, 0u);
  s.queries = {{Figure::kBacklog, "b_nothing"}, {Figure::kArrivals, "b_good"}};
  EXPECT_EQ(PrometheusReader(s).sample().num_pending, 0u);
  s.queries[Figure::kArrivals] = "b_nothing";
  EXPECT_THAT(PrometheusReader(s).error(ErrorCode::kUnavailable).message,
              HasSubstr("arrivals finds no series"))
      << "a counter that is away is not 0";
  s.queries = {{Figure::kBacklog, "b_nothing"}, {Figure::kOldestAge, "b_nothing"}};
  EXPECT_FALSE(PrometheusReader(s).sample().oldest_age) << "where nothing waits, nothing has an age";
}

TEST_F(PrometheusTest, ATargetThatGoesAwayIsNoDataAndComesBack) {
  exporter->set("c_waiting", "9");
  PrometheusReader reader(spec("c_waiting"));
  reader.with_backlog(9);
  exporter->stop();
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("query finds no series (c_waiting)"));
  exporter->start();
  reader.with_backlog(9);
}

// Where no stale marker was written, Prometheus goes on showing a value for five minutes.
TEST_F(PrometheusTest, AValueThatIsOldIsNoData) {
  exporter->set("d_waiting",
                "9 " + std::to_string(static_cast<long long>(1000 * (instant_now().unix_seconds - 90))));
  auto s = spec("d_waiting");
  PrometheusReader(s).with_backlog(9);
  s.max_age = seconds(60);
  EXPECT_THAT(PrometheusReader(s).error(ErrorCode::kUnavailable).message,
              HasSubstr("query is older than 1m (max_age): no data"));
  // Where there is no backlog, and that counts as none, the other figures are no younger.
  s.queries = {{Figure::kBacklog, "d_nothing"}, {Figure::kInFlight, "d_waiting"}};
  s.empty_is_zero = true;
  EXPECT_THAT(PrometheusReader(s).error(ErrorCode::kUnavailable).message,
              HasSubstr("in_flight is older than 1m (max_age): no data"));
}

TEST_F(PrometheusTest, CountersMakeFlowsOfWholeStepsAndARestartOfTheExporterIsAReset) {
  exporter->set("e_waiting", "5");
  exporter->set("e_total", "1000");
  auto s = spec("e_waiting");
  s.queries[Figure::kArrivals] = "e_total";
  PrometheusReader reader(s);
  auto before = reader.sample();
  exporter->set("e_total", "1030");
  auto after = reader.sample([](const QueueSample& q) { return q.totals.arrived == 1030; });
  const auto flow = flow_between(before, after, seconds(1));
  ASSERT_TRUE(flow.flow);
  EXPECT_EQ(flow.flow->arrivals, 30);
  exporter->set("e_total", "4");
  before = after;
  after = reader.sample([](const QueueSample& q) { return q.totals.arrived == 4; });
  EXPECT_TRUE(flow_between(before, after, seconds(1)).reset);
}

// What docs/prometheus.md says of counters of several pods.
TEST_F(PrometheusTest, APodThatMissesAScrapeMakesABareSumJumpAndALastOverTimeNot) {
  exporter->set("g_waiting", "5");
  exporter->set("g_total{pod=\"a\"}", "1000");
  exporter->set("g_total{pod=\"b\"}", "5000");
  const auto reader_of = [](const std::string& arrivals) {
    auto s = spec("g_waiting");
    s.queries[Figure::kArrivals] = arrivals;
    return PrometheusReader(s);
  };
  PrometheusReader bare = reader_of("sum(g_total)"), held = reader_of("sum(last_over_time(g_total[5m]))");
  const auto with = [](std::uint64_t total) {
    return [total](const QueueSample& q) { return q.totals.arrived == total; };
  };
  const auto bare_before = bare.sample(with(6000)), held_before = held.sample(with(6000));
  exporter->remove("g_total{pod=\"b\"}");
  const auto bare_without = bare.sample(with(1000));
  EXPECT_TRUE(flow_between(bare_before, bare_without, seconds(1)).reset);
  EXPECT_EQ(held.sample().totals.arrived, 6000u);
  exporter->set("g_total{pod=\"b\"}", "5020");
  EXPECT_EQ(flow_between(bare_without, bare.sample(with(6020)), seconds(1)).flow->arrivals, 5020);
  EXPECT_EQ(flow_between(held_before, held.sample(with(6020)), seconds(1)).flow->arrivals, 20);
}

TEST_F(PrometheusTest, ValidateTellsWhatItSees) {
  exporter->set("f_waiting", "12");
  PrometheusReader(spec("f_waiting")).with_backlog(12);
  EXPECT_THAT(
      PrometheusReader(spec("f_waiting")).findings(),
      testing::AllOf(HasSubstr(server->url() + " answers (version 2."), HasSubstr("ok: figures: query 12"),
                     HasSubstr("warning: messages in hand are not told")));
  EXPECT_THAT(PrometheusReader(spec("f_typo")).findings(),
              HasSubstr("error: query finds no series (f_typo)"));
}

TEST(PrometheusServerTest, AServerThatIsKilledStandsStillAndComesBack) {
  Exporter exporter;
  exporter.set("waiting", "3");
  PrometheusServer server({.exporter = exporter.port()});
  PrometheusReader reader(spec_at(server.url(), "waiting"));
  reader.with_backlog(3);
  server.pause();
  EXPECT_EQ(reader.error(ErrorCode::kTimeout, milliseconds(300)).code, ErrorCode::kTimeout);
  server.resume();
  reader.with_backlog(3);
  server.kill();
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr(server.url() + " does not answer"));
  server.start();
  reader.with_backlog(3);
}

TEST(PrometheusServerTest, TlsAndUsers) {
  TempDir dir;
  const TestCertificates pki(dir);
  Exporter exporter;
  exporter.set("waiting", "3");
  // The hash of "sesame".
  PrometheusServer server(
      {.exporter = exporter.port(),
       .web_config = fmt::format("tls_server_config: {{cert_file: '{}', key_file: '{}'}}\n"
                                 "basic_auth_users: {{me: '{}'}}\n",
                                 pki.server_cert, pki.server_key,
                                 "$2b$04$gBgQ21T6jc6cM9g5EtrVkOAaPs5GZs3iTrekZZrpriL.yTpRfdy9K"),
       .tls = true});
  auto s = spec_at(server.url(), "waiting");
  s.login.user = "me";
  s.login.password = "sesame";
  EXPECT_THAT(PrometheusReader(s).error(ErrorCode::kDenied).message, HasSubstr("queue.tls.ca_file"));
  s.login.tls_ca_file = pki.ca;
  PrometheusReader(s).with_backlog(3);
  s.login.password = "wrong-word";
  const auto e = PrometheusReader(s).error(ErrorCode::kDenied);
  EXPECT_THAT(e.message, HasSubstr("refuses user me (status 401)"));
  EXPECT_THAT(e.message, Not(HasSubstr("wrong-word")));
  EXPECT_THAT(PrometheusReader(s).findings(), Not(HasSubstr("wrong-word")));
}

TEST(PrometheusServerTest, ValidateTakesAnyAnswer) {
  WebStub server([](const WebRequest&) { return WebReply{.body = R"({"status":"success","data":[]})"}; });
  EXPECT_THAT(PrometheusReader(spec_at(server.url(), "x")).findings(),
              HasSubstr("error: query has an answer that is not Prometheus's"));
}

TEST(PrometheusServerTest, ServicesShareOneConnection) {
  std::atomic<int> queries{0};
  WebStub server([&](const WebRequest& r) {
    ++queries;
    EXPECT_EQ(r.path, "/prefix/api/v1/query");
    return WebReply{
        .body =
            R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"4"]}]}})"};
  });
  Askers askers;
  auto s = spec_at(server.url() + "/prefix", "sum(x)");
  s.prefix = "/prefix";
  s.queries[Figure::kInFlight] = "sum(y)";
  const auto make = [s] { return std::make_unique<PrometheusInquiry>(s); };
  std::vector<std::unique_ptr<AskedSource>> sources;
  for (int i = 0; i < 20; ++i)
    sources.push_back(std::make_unique<AskedSource>(asker_of(askers, s.login, {}), make));
  for (const auto& source : sources) {
    std::promise<bool> done;
    source->read({seconds(30), {}},
                 [&](const Result<Reading>& r) { done.set_value(r && r->queue->in_hand() == 4); });
    EXPECT_TRUE(done.get_future().get());
    EXPECT_THAT(server.last().body, HasSubstr("time=1")) << "of the instant of the first";
  }
  EXPECT_EQ(queries, 40);
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace docktor::test
