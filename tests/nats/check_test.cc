// `config validate` on real servers: what is wrong is told with its cure, what is well is told too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/nats/reader.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;

struct Findings {
  std::vector<Finding> all;
  std::string text(Severity s) const {
    std::string out;
    for (const auto& f : all) {
      if (f.severity == s) out += f.what + " | " + f.cure + "\n";
    }
    return out;
  }
  std::string errors() const { return text(Severity::kError); }
  std::string warnings() const { return text(Severity::kWarning); }
  std::string good() const { return text(Severity::kOk); }
};

Findings check(const NatsSpec& spec, bool may_reach_zero = false) {
  Reader reader(spec, may_reach_zero);
  return {reader.source().check(std::chrono::seconds(30))};
}

TEST(Check, AllIsWell) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("EVENTS", {"events.web"});
  client.create_consumer("EVENTS", "WEB_WORKERS", {{"max_deliver", 3}});
  auto spec = queue_at(server.url(), "EVENTS", "WEB_WORKERS");
  spec.subject = "events.web";
  const auto found = check(spec, true);
  EXPECT_EQ(found.errors(), "");
  EXPECT_EQ(found.warnings(), "");
  EXPECT_THAT(found.good(), HasSubstr("answers (nats-server 2."));
  EXPECT_THAT(found.good(), HasSubstr("stream EVENTS exists"));
  EXPECT_THAT(found.good(), HasSubstr("consumer WEB_WORKERS exists: a pull consumer"));
  EXPECT_THAT(found.good(), HasSubstr("consumer WEB_WORKERS takes events.web"));
  EXPECT_THAT(found.good(), HasSubstr("fit for zero replicas"));
  EXPECT_THAT(found.good(), HasSubstr("gives a message up after 3 deliveries"));
}

TEST(Check, NobodyListens) {
  std::string url;
  {
    const NatsServer server;
    url = server.url();
  }
  Reader reader(queue_at(url, "S", "C"));
  const Findings found{reader.source().check(std::chrono::seconds(30))};
  EXPECT_THAT(found.errors(), HasSubstr(url + " cannot be reached"));
}

TEST(Check, JetStreamIsOff) {
  const NatsServer server({.jetstream = false});
  EXPECT_THAT(check(queue_at(server.url(), "S", "C")).errors(), HasSubstr("start nats-server with -js"));
}

TEST(Check, StreamThenConsumerAreMissing) {
  NatsServer server;
  NatsClient client(server.url());
  const auto spec = queue_at(server.url(), "EVENTS", "WEB_WORKERS");
  EXPECT_THAT(check(spec).errors(), HasSubstr("nats stream add EVENTS"));
  client.create_stream("EVENTS", {"events.web"});
  EXPECT_THAT(check(spec).errors(),
              HasSubstr("nats consumer add EVENTS WEB_WORKERS --pull --ack=explicit --deliver=all"));
}

TEST(Check, ZeroReplicasNeedADurableConsumerWithoutAnInactiveThreshold) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "SLEEPY", {{"inactive_threshold", 3'600'000'000'000}});
  client.create_consumer("S", "FLEETING",
                         {{"durable_name", nullptr}, {"inactive_threshold", 3'600'000'000'000}});
  EXPECT_THAT(check(queue_at(server.url(), "S", "SLEEPY"), true).errors(),
              HasSubstr("inactive threshold of 1h"));
  EXPECT_THAT(check(queue_at(server.url(), "S", "FLEETING"), true).errors(), HasSubstr("ephemeral"));
  EXPECT_EQ(check(queue_at(server.url(), "S", "FLEETING"), false).errors(), "");
}

TEST(Check, SubjectAgainstStreamAndFilter) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s.>"});
  client.create_consumer("S", "ALL");
  client.create_consumer("S", "SOME", {{"filter_subject", "s.a.*"}});
  const auto with = [&](const char* consumer, const char* subject) {
    auto spec = queue_at(server.url(), "S", consumer);
    spec.subject = subject;
    return check(spec);
  };
  EXPECT_THAT(with("ALL", "other").errors(), HasSubstr("what is published to it is not stored"));
  EXPECT_THAT(with("SOME", "s.b").errors(), HasSubstr("nothing published to s.b reaches it"));
  EXPECT_THAT(with("SOME", "s.*.x").warnings(), HasSubstr("takes only a part of s.*.x"));
  EXPECT_THAT(with("ALL", "s.a").warnings(), HasSubstr("has no filter"));
  EXPECT_THAT(with("SOME", "s..a").errors(), HasSubstr("is no subject"));
  EXPECT_THAT(with("SOME", "s.a.1").good(), HasSubstr("consumer SOME takes s.a.1"));
}

TEST(Check, WhatMakesScalingUseless) {
  NatsServer server;
  NatsClient client(server.url());
  client.create_stream("S", {"s"});
  client.create_consumer("S", "NONE", {{"ack_policy", "none"}});
  client.create_consumer("S", "NARROW", {{"max_ack_pending", 5}, {"max_deliver", 1}});
  client.create_consumer("S", "PUSH", {{"deliver_subject", "to.me"}});
  EXPECT_THAT(check(queue_at(server.url(), "S", "NONE")).warnings(), HasSubstr("ack policy none"));
  const auto narrow = check(queue_at(server.url(), "S", "NARROW")).warnings();
  EXPECT_THAT(narrow, HasSubstr("hold only 5 messages"));
  EXPECT_THAT(narrow, HasSubstr("max_deliver 1"));
  EXPECT_THAT(check(queue_at(server.url(), "S", "PUSH")).warnings(),
              HasSubstr("push consumer without a deliver group"));
}

TEST(Check, PermissionsThatAreMissing) {
  NatsServer server({.config = R"(accounts: { A: { jetstream: enabled, users: [
    { user: all, password: x },
    { user: some, password: x, permissions: { publish: ["$JS.API.STREAM.INFO.*", "$JS.API.CONSUMER.INFO.>"], subscribe: "_INBOX.>" } },
    { user: mute, password: x, permissions: { publish: "none", subscribe: "_INBOX.>" } },
    { user: deaf, password: x, permissions: { publish: ">", subscribe: "none" } } ] } })"});
  NatsClient client(server.url(), [](natsOptions* o) { natsOptions_SetUserInfo(o, "all", "x"); });
  client.create_stream("S", {"s"});
  client.create_consumer("S", "C");
  auto spec = queue_at(server.url(), "S", "C");
  spec.password.value = "x";
  spec.user = "all";
  EXPECT_EQ(check(spec, true).warnings(), "");
  spec.user = "some";
  const auto some = check(spec, true);
  EXPECT_EQ(some.errors(), "");
  EXPECT_THAT(some.warnings(), HasSubstr("may not subscribe to s: at zero replicas docktor polls"));
  EXPECT_THAT(some.warnings(), HasSubstr("queue.dead stays unknown"));
  spec.user = "mute";
  EXPECT_THAT(check(spec).errors(), HasSubstr("may not publish to $JS.API.STREAM.INFO.S"));
  spec.user = "deaf";
  EXPECT_THAT(check(spec).errors(), HasSubstr("may not subscribe to _INBOX.>"));
}

}  // namespace
}  // namespace docktor::test
