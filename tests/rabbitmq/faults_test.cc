// A server that is down, hangs, comes back, or has no management plug-in; TLS; what `config validate` says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rabbitmq/reader.h"
#include "tests/support/test_pki.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class RabbitFaults : public RabbitTest {};

std::string findings(Reader& reader, Severity severity) {
  std::string out;
  for (const auto& f : reader.source().check(std::chrono::seconds(10))) {
    if (f.severity == severity) out += f.what + " | " + f.cure + "\n";
  }
  return out;
}

TEST_F(RabbitFaults, AServerThatHangsAnswersNothingAndHoldsUpNoOther) {
  RabbitClient client(shared_server());
  client.declare("hangs");
  client.publish("hangs", 4);
  Reader reader(spec_of(shared_server(), "hangs"));
  reader.with_backlog(4);
  shared_server().pause();
  const auto begin = std::chrono::steady_clock::now();
  const auto r = reader.read(std::chrono::seconds(1));
  EXPECT_FALSE(r);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  shared_server().resume();
  reader.with_backlog(4);
}

TEST_F(RabbitFaults, AServerThatIsDownComesBackAndCountsAnew) {
  {
    RabbitClient client(shared_server());
    client.declare("restart");
    client.publish("restart", 20);
    const auto tag = client.get("restart");
    client.ack(*tag);
  }
  Reader reader(spec_of(shared_server(), "restart"));
  const auto before =
      reader.sample([](const QueueSample& s) { return s.totals.arrived == 20 && s.totals.delivered == 1; });
  shared_server().stop();
  EXPECT_THAT(reader.error(ErrorCode::kUnavailable).message, HasSubstr("127.0.0.1"));
  shared_server().start();
  // The server has lost its counters, and for seconds its figures, too: none of them is 0 meanwhile.
  const auto after = reader.sample([](const QueueSample& s) {
    EXPECT_EQ(s.num_pending, 19u);
    EXPECT_NE(s.totals.arrived, 0u);
    return s.totals.incarnation != "1";
  });
  const auto flow = flow_between(before, after, std::chrono::seconds(10));
  EXPECT_TRUE(flow.reset);
  EXPECT_FALSE(flow.flow);
  RabbitClient client(shared_server());
  client.publish("restart", 3);
  const auto counted = reader.sample([](const QueueSample& s) { return s.totals.arrived.has_value(); });
  EXPECT_EQ(counted.totals.arrived, 3u);
  EXPECT_EQ(counted.num_pending, 22u);
}

TEST_F(RabbitFaults, WithoutTheManagementPluginOnlyTheBacklogIsKnownAndValidateSaysSo) {
  RabbitServerProcess server({.management = false});
  RabbitClient client(server), worker(server);
  client.declare("bare");
  worker.consume("bare");
  client.publish("bare", 6);
  Reader reader(spec_of(server, "bare"));
  const auto q = reader.with_backlog(5);
  EXPECT_EQ(q.consumers, 1u);
  EXPECT_FALSE(q.num_ack_pending);
  EXPECT_FALSE(q.totals.arrived || q.totals.delivered || q.totals.settled);
  EXPECT_THAT(findings(reader, Severity::kWarning), HasSubstr("rabbitmq-plugins enable rabbitmq_management"));
  EXPECT_EQ(findings(reader, Severity::kError), "");
  EXPECT_THAT(findings(reader, Severity::kOk), HasSubstr("5 messages ready, 1 consumers"));
  Reader objective(spec_of(server, "bare"), false, true);
  EXPECT_THAT(findings(objective, Severity::kError), HasSubstr("the objective rests on them"));
  auto spec = spec_of(server, "bare");
  spec.management = Management::kRequired;
  EXPECT_THAT(Reader(spec).error(ErrorCode::kUnavailable).message, HasSubstr("management API"));
}

TEST_F(RabbitFaults, WithStatisticsSwitchedOffOnlyTheBacklogIsKnownAndValidateSaysSo) {
  RabbitServerProcess server({.config = "management_agent.disable_metrics_collector = true"});
  RabbitClient client(server), worker(server);
  client.declare("uncounted");
  worker.consume("uncounted");
  client.publish("uncounted", 6);
  Reader reader(spec_of(server, "uncounted"));
  const auto q = reader.with_backlog(5);
  EXPECT_FALSE(q.num_ack_pending) << "what is not told is not 0";
  EXPECT_FALSE(q.totals.arrived || q.totals.delivered || q.totals.settled);
  EXPECT_THAT(findings(reader, Severity::kWarning), HasSubstr("its statistics are switched off"));
  EXPECT_EQ(findings(reader, Severity::kError), "");
  Reader objective(spec_of(server, "uncounted"), false, true);
  EXPECT_THAT(findings(objective, Severity::kError), HasSubstr("the objective rests on them"));
}

TEST_F(RabbitFaults, AUserWithoutATagMayReadTheBacklogAndValidateSaysWhatIsMissing) {
  auto& server = shared_server();
  server.ctl({"add_user", "plain", "secret-of-plain"});
  server.ctl({"set_permissions", "plain", "^$", "^$", "^$"});
  RabbitClient client(server);
  client.declare("rights");
  client.publish("rights", 2);
  auto spec = spec_of(server, "rights");
  spec.address.user = "plain";
  spec.address.password = "secret-of-plain";
  Reader reader(spec);
  const auto q = reader.with_backlog(2);
  EXPECT_FALSE(q.num_ack_pending);
  const auto warning = findings(reader, Severity::kWarning);
  EXPECT_THAT(warning, HasSubstr("rabbitmqctl set_user_tags plain monitoring"));
  EXPECT_THAT(warning, Not(HasSubstr("secret")));
  server.ctl({"set_user_tags", "plain", "monitoring"});
  EXPECT_EQ(findings(reader, Severity::kWarning), "");
  EXPECT_THAT(findings(reader, Severity::kOk), HasSubstr("(RabbitMQ 3."));
  reader.sample([](const QueueSample& s) { return s.num_ack_pending == 0; });
}

TEST_F(RabbitFaults, ValidateKnowsWhatTheQueueIs) {
  RabbitClient client(shared_server());
  client.declare("v-auto", {.auto_delete = true});
  client.declare("v-stream", {.texts = {{"x-queue-type", "stream"}}});
  client.declare("v-single", {.flags = {"x-single-active-consumer"}});
  const auto spec = [](const char* queue) { return spec_of(shared_server(), queue); };
  Reader at_zero(spec("v-auto"), true), above(spec("v-auto")), stream(spec("v-stream")),
      single(spec("v-single")), missing(spec("v-missing"));
  EXPECT_THAT(findings(at_zero, Severity::kError), HasSubstr("auto_delete"));
  EXPECT_EQ(findings(above, Severity::kError), "");
  EXPECT_THAT(findings(stream, Severity::kError), HasSubstr("is a stream"));
  EXPECT_THAT(findings(single, Severity::kWarning), HasSubstr("single active consumer"));
  EXPECT_EQ(findings(missing, Severity::kError), "");
  EXPECT_THAT(findings(missing, Severity::kWarning), HasSubstr("not there yet"));
}

TEST_F(RabbitFaults, TlsWithACertificateThatIsCheckedOnBothWays) {
  TempDir dir;
  const TestCertificates pki(dir);
  const int port = free_port(), management_port = free_port();
  RabbitServerProcess server(
      {.management = true,
       .config =
           "listeners.ssl.1 = 127.0.0.1:" + std::to_string(port) + "\nssl_options.cacertfile = " + pki.ca +
           "\nssl_options.certfile = " + pki.server_cert + "\nssl_options.keyfile = " + pki.server_key +
           "\nmanagement.ssl.ip = 127.0.0.1" + "\nmanagement.ssl.port = " + std::to_string(management_port) +
           "\nmanagement.ssl.cacertfile = " + pki.ca + "\nmanagement.ssl.certfile = " + pki.server_cert +
           "\nmanagement.ssl.keyfile = " + pki.server_key,
       .tls_port = port});
  RabbitClient client(server);
  client.declare("safe");
  client.publish("safe", 3);
  Settings s;
  s.set("url", Url{"amqps://localhost:" + std::to_string(port)});
  s.set("management_url", Url{"https://127.0.0.1:" + std::to_string(management_port)});
  s.set("queue", std::string("safe"));
  // Signed by nobody that this machine knows.
  EXPECT_THAT(Reader(RabbitSpec::from(s)).error(ErrorCode::kDenied).message, HasSubstr("tls.ca_file"));
  s.set("tls_ca_file", pki.ca);
  Reader reader(RabbitSpec::from(s));
  const auto q = reader.sample([](const QueueSample& sample) { return sample.num_ack_pending.has_value(); });
  EXPECT_EQ(q.num_pending, 3u);
  EXPECT_EQ(findings(reader, Severity::kWarning) + findings(reader, Severity::kError), "");
  // The library checks names only.
  s.set("url", Url{"amqps://127.0.0.1:" + std::to_string(port)});
  EXPECT_THAT(Reader(RabbitSpec::from(s)).error(ErrorCode::kDenied).message,
              HasSubstr("not for the name 127.0.0.1"));
  s.erase("tls_ca_file");
  s.set("tls_verify", false);
  Reader careless(RabbitSpec::from(s));
  careless.with_backlog(3);
  // Spoken to without TLS, the port says nothing that makes sense.
  s.set("url", Url{"amqp://127.0.0.1:" + std::to_string(port)});
  EXPECT_THAT(Reader(RabbitSpec::from(s)).read(std::chrono::seconds(20)).error().message,
              HasSubstr("amqps://"));
}

}  // namespace
}  // namespace docktor::test
