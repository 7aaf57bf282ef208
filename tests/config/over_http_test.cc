// The keys of kinds prometheus and http: what is refused, with the words, and what is never shown.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/effective.h"
#include "queues/http/http_spec.h"
#include "queues/prometheus/prometheus_spec.h"
#include "queues/sqs/sqs_spec.h"
#include "tests/config/test_files.h"

namespace docktor::over_http_keys {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kRules = "rules: {scale_up_when: [{metric: queue.backlog, op: '>', value: 1}]}";

LoadResult load(const std::string& queue, const std::string& policy = kRules) {
  return load_text(
      "services:\n  - name: a\n    max_replicas: 3\n    target: {kind: process, command: [w]}\n    queue: {" +
      queue + "}\n    " + policy + "\n");
}

std::string mistake(const std::string& queue, const std::string& policy = kRules) {
  const auto r = load(queue, policy);
  return r.mistakes.size() == 1
             ? r.mistakes.front()
             : fmt::format("{} mistakes: {}", r.mistakes.size(), fmt::join(r.mistakes, " | "));
}

std::string prometheus(const std::string& keys) {
  return "kind: prometheus, url: 'http://p:9090', query: 'sum(w)'" + keys;
}
std::string http(const std::string& keys) {
  return "kind: http, url: 'http://h/stats', backlog: /jobs/waiting" + keys;
}

TEST(FigureKeys, ARuleOnAFigureThatIsMissingIsOneMistake) {
  EXPECT_THAT(mistake("kind: http, url: 'http://h/stats'"), HasSubstr("backlog is missing in queue"));
}

TEST(PrometheusKeys, TheLeastFile) {
  const auto service = service_of(load(prometheus("")));
  EXPECT_EQ(service.queue->identity, "prometheus sum(w)");
  EXPECT_EQ(service.queue->shown, "http://p:9090 (sum(w))");
  const auto spec = PrometheusSpec::from(service.queue->settings);
  EXPECT_EQ(spec.prefix, "");
  EXPECT_EQ(spec.scrape_interval, Duration(std::chrono::seconds(15)));
  EXPECT_EQ(spec.max_age, Duration(std::chrono::minutes(2)));
  const auto slow =
      PrometheusSpec::from(service_of(load(prometheus(", scrape_interval: 1m"))).queue->settings);
  EXPECT_EQ(slow.max_age, Duration(std::chrono::minutes(4)));
  const auto deep = service_of(load("kind: prometheus, url: 'https://u:p@m/prometheus/', query: w"));
  EXPECT_EQ(PrometheusSpec::from(deep.queue->settings).prefix, "/prometheus");
  EXPECT_EQ(deep.queue->shown, "https://m (w)");
}

TEST(PrometheusKeys, WhatIsWrongIsSaid) {
  EXPECT_THAT(mistake("kind: prometheus, url: 'http://p'"), HasSubstr("query is missing"));
  EXPECT_THAT(mistake("kind: prometheus, url: 'p:9090', query: w"),
              HasSubstr("does not begin with http:// or https://"));
  EXPECT_THAT(mistake("kind: prometheus, url: 'u:topsecret@p', query: w"), Not(HasSubstr("topsecret")));
  EXPECT_THAT(mistake("kind: prometheus, url: 'http://p/api/v1/query', query: w"),
              HasSubstr("leave /api/v1"));
  EXPECT_THAT(mistake(prometheus(", arrivals: a, rate_in: b")), HasSubstr("both arrivals and rate_in"));
  EXPECT_THAT(mistake(prometheus(", empty: 1")), HasSubstr("empty"));
  EXPECT_THAT(mistake(prometheus(", user: me, token: t")), HasSubstr("both a user and a token"));
  EXPECT_THAT(mistake(prometheus(", password: x")), HasSubstr("a password without a user"));
  EXPECT_THAT(mistake(prometheus(", token_file: /nowhere/token")), HasSubstr("/nowhere/token"));
  EXPECT_THAT(mistake(prometheus(", tls_verify: false")),
              HasSubstr("the address is not encrypted; write https:// in url"));
  EXPECT_THAT(mistake(prometheus(", headers: {'X(y)': z}")), HasSubstr("cannot be sent"));
  EXPECT_THAT(mistake(prometheus(", backlog: /a")), HasSubstr("backlog is a key of kind http"));
}

TEST(HttpKeys, TheLeastFileAndWhatIsWrong) {
  const auto service = service_of(load(http("")));
  EXPECT_EQ(service.queue->identity, "http http://h/stats (/jobs/waiting)");
  EXPECT_EQ(service.queue->shown, "http://h/stats (/jobs/waiting)");
  EXPECT_THAT(mistake("kind: http, url: 'http://h'"), HasSubstr("backlog is missing"));
  EXPECT_THAT(mistake("kind: http, url: 'http://h', backlog: jobs.waiting"),
              HasSubstr("\"jobs.waiting\" is no JSON pointer; write /jobs/waiting"));
  EXPECT_THAT(mistake(http(", max_age: 5s")), HasSubstr("max_age without as_of"));
  EXPECT_THAT(mistake(http(", settled: /s, rate_out: /r")), HasSubstr("both settled and rate_out"));
}

std::string sqs(const std::string& keys) {
  return "kind: sqs, url: 'https://sqs.eu-west-1.amazonaws.com/12/mail'" + keys;
}

TEST(SqsKeys, TheLeastFileAndWhatIsWrong) {
  const auto service = service_of(load(sqs("")));
  const auto spec = SqsSpec::from(service.queue->settings);
  EXPECT_EQ(spec.region, "eu-west-1");
  EXPECT_EQ(spec.poll_interval, Duration(std::chrono::seconds(10)));
  EXPECT_EQ(spec.requests_a_day(true), 8640 + 1440);
  EXPECT_EQ(spec.name(), "mail");
  EXPECT_EQ(service.queue->identity, "sqs https://sqs.eu-west-1.amazonaws.com/12/mail");
  const auto other =
      service_of(load("kind: sqs, url: 'http://h:9324/0/q.fifo', message_groups: 3, region: x"));
  EXPECT_EQ(SqsSpec::from(other.queue->settings).poll_interval, Duration(std::chrono::seconds(1)));
  EXPECT_THAT(mistake(sqs(", access_key: a")), HasSubstr("access_key and secret_key come together"));
  EXPECT_THAT(mistake(sqs(", access_key: a, secret_key: b, profile: c")),
              HasSubstr("both profile and access_key"));
  EXPECT_THAT(mistake(sqs(", session_token: t")), HasSubstr("a session_token without an access_key"));
  EXPECT_THAT(mistake(sqs(", stream: s")), HasSubstr("stream is a key of kind nats and redis"));
  EXPECT_THAT(mistake(sqs(", message_groups: 3")), HasSubstr("only a FIFO queue has message groups"));
  EXPECT_THAT(mistake("kind: sqs, url: mail"), HasSubstr("does not begin with http:// or https://"));
  EXPECT_THAT(mistake("kind: sqs, url: 'https://sqs.eu-west-1.amazonaws.com/'"),
              HasSubstr("does not end in a queue's name"));
  EXPECT_EQ(mistake(sqs(""), "objective: {max_wait: 5s}"), "0 mistakes: ");
  EXPECT_THAT(mistake(sqs(""), "rules: {scale_up_when: [{metric: queue.rate_in, op: '>', value: 1}]}"),
              HasSubstr("does not tell queue.rate_in"));
  const auto secret =
      service_of(load(sqs(", access_key: a, secret_key: topsecret, session_token: topsecret")));
  EXPECT_THAT(effective_service(secret).dump(), Not(HasSubstr("topsecret")));
}

TEST(FigureKeys, WhatIsNotAskedForTakesNoRuleAndNoObjective) {
  const std::string objective = "objective: {max_wait: 5s}";
  EXPECT_THAT(mistake(prometheus(""), objective),
              HasSubstr("tells neither without a query for it; write rules ("));
  EXPECT_THAT(mistake(http(""), objective),
              HasSubstr("tells neither without a pointer to it; write rules ("));
  for (const auto* key : {", arrivals: /n", ", settled: /n", ", rate_in: /n", ", rate_out: /n"})
    EXPECT_TRUE(load(http(key), objective).config) << key;
  const std::string in_hand = "rules: {scale_up_when: [{metric: queue.num_ack_pending, op: '>', value: 1}]}";
  EXPECT_THAT(mistake(http(""), in_hand),
              HasSubstr("does not tell queue.num_ack_pending without a pointer to it; it tells "
                        "queue.backlog"));
  EXPECT_TRUE(load(http(", in_flight: /n"), in_hand).config);
}

TEST(SqsKeys, TheRegionIsThatOfTheAddress) {
  const auto spec = [](const std::string& host) {
    return SqsSpec::from(service_of(load("kind: sqs, url: 'https://" + host + "/12/mail'")).queue->settings);
  };
  for (const auto* host : {"sqs.eu-west-1.amazonaws.com", "sqs-fips.eu-west-1.amazonaws.com:443",
                           "eu-west-1.queue.amazonaws.com", "sqs.eu-west-1.api.aws",
                           "vpce-0a-1b.sqs.eu-west-1.vpce.amazonaws.com", "sqs.eu-west-1.amazonaws.com.cn"}) {
    EXPECT_EQ(spec(host).region, "eu-west-1") << host;
    EXPECT_TRUE(spec(host).aws) << host;
  }
  EXPECT_EQ(spec("queue.amazonaws.com").region, "us-east-1");
  EXPECT_FALSE(spec("sqs.eu-west-1.amazonaws.com.example.org").aws);
}

TEST(FigureKeys, SecretsAreNeverShown) {
  for (const auto* bad : {"http", "prometheus", "sqs"}) {
    for (const auto* url :
         {"htp://h/x?k=topsecret", "http://h:99999999/x?k=topsecret", "http:/u:topsecret@h"})
      EXPECT_THAT(mistake(fmt::format("kind: {}, url: '{}', {}", bad, url,
                                      *bad == 'h'   ? "backlog: /a"
                                      : *bad == 'p' ? "query: w"
                                                    : "region: r")),
                  testing::AllOf(HasSubstr("url "), Not(HasSubstr("topsecret"))));
  }
  const auto service =
      service_of(load("kind: http, url: 'http://h/stats?api_key=topsecret', backlog: /w, token: topsecret, "
                      "headers: {X-Key: topsecret}"));
  EXPECT_THAT(effective_service(service).dump(), Not(HasSubstr("topsecret")));
  EXPECT_THAT(service.queue->shown + service.queue->identity, Not(HasSubstr("topsecret")));
  const auto user = service_of(load("kind: prometheus, url: 'http://me:topsecret@p', query: w"));
  EXPECT_THAT(effective_service(user).dump() + user.queue->shown, Not(HasSubstr("topsecret")));
}

}  // namespace
}  // namespace docktor::over_http_keys
