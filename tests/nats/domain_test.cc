// JetStream beyond a leaf link, or behind an import: docktor is connected to a server, or an account, that
// has no JetStream of its own, or another one.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/nats/reader.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string errors(const NatsSpec& spec, bool may_reach_zero = false) {
  Reader reader(spec, may_reach_zero);
  std::string out;
  for (const auto& f : reader.source().check(std::chrono::seconds(30))) {
    if (f.severity != Severity::kOk) out += f.what + " | " + f.cure + "\n";
  }
  return out;
}

// A hub with JetStream in domain `hub`, and leaf servers linked to it: one without JetStream, one with its
// own.
class Domain : public testing::Test {
 protected:
  Domain() {
    hub_client.create_stream("H", {"h.x"});
    hub_client.create_consumer("H", "W", {{"max_deliver", 1}, {"ack_wait", 200'000'000}});
  }
  static std::string link_to(const NatsServer& hub) {
    return fmt::format("leafnodes {{ remotes: [ {{ url: \"nats://127.0.0.1:{}\" }} ] }}\n", hub.leaf_port());
  }
  NatsSpec queue(const NatsServer& at, const std::string& domain) const {
    auto spec = queue_at(at.url(), "H", "W");
    spec.domain = domain;
    return spec;
  }
  void until_linked(const NatsServer& leaf) {
    NatsClient client(leaf.url());
    ASSERT_TRUE(eventually([&] {
      return client.api("$JS.hub.API.CONSUMER.INFO.H.W").value("name", "") == "W";
    })) << leaf.log();
  }

  NatsServer hub{NatsServer::Options{.config = "leafnodes { listen: \"127.0.0.1:-1\" }\n",
                                     .jetstream_options = "domain: hub"}};
  NatsClient hub_client{hub.url()};
};

TEST_F(Domain, IsReadThroughALeafWithoutJetStream) {
  const NatsServer leaf({.jetstream = false, .config = link_to(hub)});
  until_linked(leaf);
  for (int i = 0; i < 5; ++i) hub_client.publish("h.x", "work");
  Reader reader(queue(leaf, "hub"));
  EXPECT_TRUE(eventually([&] { return reader.sample().num_pending == 5; }));
  const std::string found = errors(queue(leaf, "hub"), true);
  EXPECT_THAT(found, StartsWith("consumer W delivers each message once"));
  EXPECT_EQ(std::count(found.begin(), found.end(), '\n'), 1) << found;
}

TEST_F(Domain, IsReadThroughALeafWithADomainOfItsOwn) {
  const NatsServer leaf({.config = link_to(hub), .jetstream_options = "domain: edge"});
  until_linked(leaf);
  NatsClient edge(leaf.url());
  edge.create_stream("E", {"e.x"});
  for (int i = 0; i < 5; ++i) hub_client.publish("h.x", "work");
  Reader reader(queue(leaf, "hub"));
  EXPECT_TRUE(eventually([&] { return reader.sample().num_pending == 5; }));
}

// An advisory crosses the link as it is; one of another domain's consumer of the same name does not count.
TEST_F(Domain, CountsTheDeadOfItsOwnConsumerAlone) {
  const NatsServer leaf({.config = link_to(hub), .jetstream_options = "domain: edge"});
  until_linked(leaf);
  Reader of_hub(queue(leaf, "hub"));
  ASSERT_EQ(of_hub.sample().dead, 0U);
  NatsClient edge(leaf.url());
  edge.create_stream("H", {"edge.only"});
  edge.create_consumer("H", "W", {{"max_deliver", 1}, {"ack_wait", 200'000'000}});
  Reader of_edge(queue(leaf, "edge"));
  ASSERT_EQ(of_edge.sample().dead, 0U);
  edge.publish("edge.only", "x");
  edge.pull("H", "W", 1);
  EXPECT_TRUE(eventually([&] {
    edge.pull("H", "W", 1,
              std::chrono::milliseconds(300));  // asked not to wait, the server may not answer here
    return of_edge.sample().dead == 1U;
  }));
  EXPECT_EQ(of_hub.sample().dead, 0U);
}

TEST_F(Domain, IsNamedWhereAStreamIsMissingHere) {
  const NatsServer leaf({.config = link_to(hub), .jetstream_options = "domain: edge"});
  until_linked(leaf);
  const std::string what =
      "its JetStream is domain edge: where the stream is in another domain, write queue.domain";
  EXPECT_THAT(errors(queue(leaf, "")), HasSubstr(what));
  Reader reader(queue(leaf, ""));
  EXPECT_THAT(reader.error(ErrorCode::kNotFound).message, HasSubstr(what));
}

TEST_F(Domain, IsAskedForWhereOnlyALeafLinkIsHere) {
  const NatsServer leaf({.jetstream = false, .config = link_to(hub)});
  until_linked(leaf);
  EXPECT_THAT(errors(queue(leaf, "")), HasSubstr("write queue.domain"));
  Reader reader(queue(leaf, ""));
  // The hub may answer first, with its domain's name.
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("write queue.domain"));
  const NatsServer alone({.jetstream = false});
  EXPECT_THAT(errors(queue(alone, "")), Not(HasSubstr("queue.domain")));
}

TEST_F(Domain, ThatDoesNotExistIsToldAsOne) {
  EXPECT_THAT(errors(queue(hub, "hbu")), HasSubstr("nobody answers at $JS.hbu.API: check queue.domain"));
}

TEST(ApiPrefix, ReadsWhatAnAccountImports) {
  const std::string accounts = R"(
accounts {
  JS {
    jetstream: enabled
    users: [{user: js, password: js}]
    exports: [{service: "$JS.API.>", response: stream}, {stream: "$JS.EVENT.ADVISORY.>"}]
  }
  APP {
    users: [{user: app, password: app}]
    imports: [
      {service: {account: JS, subject: "$JS.API.>"}, to: "fromjs.API.>"}
      {stream: {account: JS, subject: "$JS.EVENT.ADVISORY.>"}, to: "fromjs.EVENT.>"}
    ]
  }
}
)";
  const NatsServer server({.config = accounts});
  NatsClient owner("nats://js:js@" + server.url().substr(7));
  owner.create_stream("S", {"s.x"});
  owner.create_consumer("S", "W", {{"max_deliver", 1}, {"ack_wait", 200'000'000}});
  owner.publish("s.x", "work");
  auto spec = queue_at(server.url(), "S", "W");
  spec.user = "app";
  spec.password.value = "app";
  EXPECT_NE(errors(spec), "");
  spec.api_prefix = "fromjs.API";
  spec.advisory_prefix = "fromjs.EVENT";
  Reader reader(spec);
  EXPECT_EQ(reader.sample().num_pending, 1U);
  owner.pull("S", "W", 1);
  EXPECT_TRUE(eventually([&] {
    owner.pull("S", "W", 1, std::chrono::milliseconds(300));
    return reader.sample().dead == 1U;
  }));
}

}  // namespace
}  // namespace docktor::test
