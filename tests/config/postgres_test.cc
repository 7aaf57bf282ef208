// The keys of kind postgres: what is refused, with the words, what a framework leaves out, and what is never shown.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/effective.h"
#include "queues/postgres/postgres_spec.h"
#include "tests/config/test_files.h"

namespace docktor::postgres_keys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kRules = "rules: {scale_up_when: [{metric: queue.backlog, op: '>', value: 1}]}";
const std::string kObjective = "objective: {max_wait: 5s}";

LoadResult load(const std::string& keys, const std::string& policy = kRules) {
  return load_text(
      "services:\n  - name: a\n    max_replicas: 3\n    target: {kind: process, command: [w]}\n    queue: "
      "{kind: postgres, " +
      keys + "}\n    " + policy + "\n");
}

std::string mistake(const std::string& keys, const std::string& policy = kRules) {
  const auto r = load(keys, policy);
  return r.mistakes.size() == 1
             ? r.mistakes.front()
             : fmt::format("{} mistakes: {}", r.mistakes.size(), fmt::join(r.mistakes, " | "));
}

PostgresSpec spec(const std::string& keys) {
  const auto r = load(keys);
  EXPECT_TRUE(r.config) << fmt::format("{}", fmt::join(r.mistakes, " | "));
  return r.config ? PostgresSpec::from(r.config->services.front().queue->settings) : PostgresSpec{};
}

TEST(PostgresKeys, TheLeastOfEachWay) {
  const auto river = spec("url: 'postgres://app@db/app', framework: river");
  EXPECT_THAT(river.queues, ElementsAre("default"));
  EXPECT_EQ(river.claim_after, Duration(std::chrono::hours(1)));
  EXPECT_TRUE(spec("url: 'postgres://db/app', framework: graphile-worker").queues.empty());
  EXPECT_THAT(spec("url: 'postgres://db/app', framework: procrastinate, queues: [b, a, b]").queues,
              ElementsAre("a", "b"));
  const auto query =
      spec("url: 'host=/run/postgresql dbname=app', query: select count(*) from jobs, listen: jobs");
  EXPECT_EQ(query.query, "select count(*) from jobs");
  EXPECT_FALSE(query.tls);
  EXPECT_TRUE(spec("url: 'postgres://db/app', framework: river, tls: {verify: false}").tls);
  const auto r = load("url: 'postgres://me:secret@db/app', framework: pg-boss, queue: mail");
  ASSERT_TRUE(r.config);
  EXPECT_EQ(r.config->services.front().queue->shown, "postgres://***@db/app (mail)");
}

TEST(PostgresKeys, WhatIsWrongIsSaid) {
  EXPECT_THAT(mistake("url: 'postgres://db/app'"), HasSubstr("which jobs is missing; write framework:"));
  for (const char* named : {"pg-boss", "pgmq"})
    EXPECT_THAT(mistake(std::string("url: 'postgres://db/app', framework: ") + named),
                HasSubstr("write queue:"));
  EXPECT_THAT(mistake("url: 'postgres://db/app', framework: river, query: select 1"),
              HasSubstr("both framework and query are written"));
  EXPECT_THAT(mistake("url: 'postgres://db/app', query: select 1, schema: s"),
              HasSubstr("schema belongs to framework, which is not written"));
  EXPECT_THAT(mistake("url: 'postgres://db/app', framework: sidekiq"), HasSubstr("allowed: river, pg-boss"));
  EXPECT_THAT(mistake("url: 'postgres://db/app?sslmode=require', framework: river, tls: {verify: false}"),
              HasSubstr("both sslmode in url and keys for TLS"));
  for (const std::string url : {"db", "mysql://u:topsecret@db", "postgres://u:top/secret@db:x/app",
                                "password=topsecret oops", "postgres://u:top,secret@db/app"})
    EXPECT_THAT(
        mistake("url: '" + url + "', framework: river"),
        testing::AllOf(HasSubstr("is not the address of a PostgreSQL database"), Not(HasSubstr("secret"))));
  EXPECT_THAT(mistake("url: 'postgres://db/app', framework: river, stream: s"),
              HasSubstr("stream is a key of kind nats and redis"));
}

TEST(PostgresKeys, APasswordIsShownNowhere) {
  for (const std::string url :
       {"postgres://me:t0p@db/app", "postgres://db/app?user=me&password=t0p&sslmode=disable",
        "host=db user=me password=t0p dbname=app", "host=db password = ''t0p x'' user=me"}) {
    const auto r = load("url: '" + url + "', password: t0p, framework: river");
    ASSERT_TRUE(r.config) << url << fmt::format("{}", fmt::join(r.mistakes, " | "));
    EXPECT_THAT(effective_config(*r.config).dump(), Not(HasSubstr("t0p"))) << url;
    EXPECT_THAT(r.config->services.front().queue->shown, Not(HasSubstr("t0p")));
    EXPECT_THAT(r.config->services.front().queue->identity, Not(HasSubstr("t0p")));
  }
}

TEST(PostgresKeys, WhatAQueueDoesNotTellTakesNoRuleAndNoObjective) {
  const std::string at = "url: 'postgres://db/app', ";
  EXPECT_TRUE(load(at + "framework: river", kObjective).config);
  EXPECT_TRUE(load(at + "framework: graphile-worker", kObjective).config);
  EXPECT_TRUE(load(at + "framework: graphile-worker, queue: q", kObjective).config);
  EXPECT_TRUE(load(at + "framework: pg-boss, queue: q", kObjective).config);
  EXPECT_TRUE(load(at + "framework: pgmq, queue: q", kObjective).config);
  EXPECT_THAT(mistake(at + "query: 'select count(*) as backlog from jobs'", kObjective),
              HasSubstr("with this query"));
  EXPECT_TRUE(load(at + "query: 'select count(*) as backlog, 3 as settled from jobs'", kObjective).config);
  EXPECT_TRUE(load(at + "query: 'select count(*) as backlog, 3 as in_hand from jobs'", kObjective).config);
  EXPECT_TRUE(load(at + "query: 'select * from figures'", kObjective).config);
  const std::string age = "rules: {scale_up_when: [{metric: queue.oldest_age, op: '>', value: 1}]}";
  EXPECT_TRUE(load(at + "framework: river", age).config);
  EXPECT_THAT(mistake(at + "framework: procrastinate", age), HasSubstr("queue.oldest_age"));
  EXPECT_THAT(mistake(at + "query: 'select count(*) from jobs'", age), HasSubstr("with this query"));
}

}  // namespace
}  // namespace docktor::postgres_keys
