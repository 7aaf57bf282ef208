// A broker that is down, hangs, comes back; a partition without a leader; passwords, rights, TLS; what `config validate`
// says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>

#include "tests/kafka/reader.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class KafkaFaults : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) admin = std::make_unique<KafkaAdmin>(shared_server().url());
  }
  std::unique_ptr<KafkaAdmin> admin;
};

KafkaSpec signed_in(const std::string& topic, const std::string& user, const std::string& password,
                    const std::string& mechanism) {
  auto spec = spec_of(topic, "g");
  spec.servers = shared_server().sasl_url();
  spec.user = user;
  spec.password.value = password;
  spec.mechanism = mechanism;
  return spec;
}

TEST_F(KafkaFaults, ABrokerThatHangsAnswersNothingAndGoesOnLater) {
  admin->create("hangs");
  admin->produce("hangs", 4);
  Reader reader(spec_of("hangs", "g"));
  reader.with_backlog(4);
  shared_server().pause();
  const auto begin = std::chrono::steady_clock::now();
  const auto r = reader.read(std::chrono::seconds(1));
  EXPECT_FALSE(r);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  shared_server().resume();
  reader.with_backlog(4);
}

TEST_F(KafkaFaults, ABrokerThatIsDownComesBackAndNothingWasResetMeanwhile) {
  admin->create("restart");
  admin->produce("restart", 20);
  admin->commit("g", "restart", 5);
  Reader reader(spec_of("restart", "g"));
  const auto before = reader.with_backlog(15);
  shared_server().kill();
  const auto error = reader.error(ErrorCode::kUnavailable, std::chrono::seconds(2));
  EXPECT_THAT(error.message, HasSubstr("Kafka at 127.0.0.1:"));
  EXPECT_THAT(error.message, HasSubstr("refused"));
  EXPECT_THAT(reader.findings(std::chrono::seconds(3)), HasSubstr("error: Kafka at 127.0.0.1:"));
  shared_server().start();
  const auto after = reader.with_backlog(15);
  const auto flow = flow_between(before, after, std::chrono::seconds(10));
  EXPECT_FALSE(flow.reset);
  EXPECT_EQ(flow.flow->arrivals, 0);
}

TEST_F(KafkaFaults, PasswordsAreTakenAndAWrongOneIsDeniedAtOnce) {
  admin->create("signed");
  admin->produce("signed", 2);
  Reader plain(signed_in("signed", "plain", "secret-of-plain", "plain"));
  EXPECT_EQ(plain.sample().num_pending, 2u);
  EXPECT_THAT(plain.findings(), HasSubstr("user plain is signed in"));
  EXPECT_THAT(plain.findings(), HasSubstr("SASL PLAIN without TLS"));
  for (const auto& [user, mechanism] : {std::pair{"plain", "plain"}, std::pair{"scram", "scram-sha-512"}}) {
    Reader wrong(signed_in("signed", user, "sesame", mechanism));
    const auto begin = std::chrono::steady_clock::now();
    const auto error = wrong.error(ErrorCode::kDenied);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
    EXPECT_THAT(error.message, HasSubstr(std::string("refuses user ") + user));
    EXPECT_THAT(error.message + wrong.findings(std::chrono::seconds(5)), Not(HasSubstr("sesame")));
  }
}

// Kafka 4 does not take the nonce of librdkafka before 2.6.1 any more, which Debian 12 has: no password helps, and that is
// said in place of "check the password".
TEST_F(KafkaFaults, ScramWorksWhereTheLibraryCanAndElseTheReasonIsTold) {
  admin->create("scrammed");
  admin->produce("scrammed", 2);
  Reader scram(signed_in("scrammed", "scram", "secret-of-scram", "scram-sha-512"));
  if (rd_kafka_version() >= 0x02060100) {
    EXPECT_EQ(scram.sample().num_pending, 2u);
    return;
  }
  const auto error = scram.error(ErrorCode::kDenied).message;
  const auto found = scram.findings(std::chrono::seconds(5));
  for (const auto& said : {error, found}) {
    EXPECT_THAT(said,
                HasSubstr("Kafka at " + shared_server().sasl_url() + " refuses user scram (scram-sha-512)"));
    EXPECT_THAT(said, HasSubstr("whatever the password (2.6.1 and later can)"));
    EXPECT_THAT(said, HasSubstr("write sasl_mechanism: plain, with TLS"));
  }
}

TEST_F(KafkaFaults, AMechanismThatTheBrokerDoesNotHaveIsToldWithThoseThatItHas) {
  Reader other(signed_in("any", "plain", "secret-of-plain", "scram-sha-256"));
  EXPECT_THAT(other.error(ErrorCode::kDenied).message,
              HasSubstr("it does not take this sasl_mechanism, it takes PLAIN,SCRAM-SHA-512"));
}

TEST_F(KafkaFaults, ATopicThatTheUserMayNotSeeIsDeniedAndHisOthersGoOn) {
  admin->create("hidden");
  admin->create("open");
  admin->produce("open", 2);
  admin->deny("plain", "hidden");
  Reader hidden(signed_in("hidden", "plain", "secret-of-plain", "plain"));
  Reader open(signed_in("open", "plain", "secret-of-plain", "plain"));
  EXPECT_THAT(hidden.error(ErrorCode::kDenied).message,
              HasSubstr("user plain may not see topic hidden; allow it Describe"));
  EXPECT_EQ(open.sample().num_pending, 2u);
}

// As docs/kafka.md says. Where nobody is allowed anything, this broker allows all.
TEST_F(KafkaFaults, DescribeOnTopicAndGroupIsAllThatTheFiguresNeed) {
  admin->create("rights");
  admin->produce("rights", 5);
  admin->commit("rightful", "rights", 2);
  admin->allow_describe("ann", RD_KAFKA_RESOURCE_TOPIC, "rights");
  admin->allow_describe("ann", RD_KAFKA_RESOURCE_GROUP, "rightful");
  auto spec = signed_in("rights", "plain", "secret-of-plain", "plain");
  spec.group = "rightful";
  Reader reader(spec);
  const auto refused = [&](const std::string& what) {
    std::string last;
    const bool yes = eventually(
        [&] {
          const auto r = reader.read();
          last = r ? "no error" : r.error().message;
          return !r && r.error().code == ErrorCode::kDenied &&
                 last.find("user plain may not see " + what) != std::string::npos;
        },
        std::chrono::seconds(8));
    EXPECT_TRUE(yes) << last;
  };
  refused("topic rights");
  admin->allow_describe("plain", RD_KAFKA_RESOURCE_TOPIC, "rights");
  refused("group rightful");
  admin->allow_describe("plain", RD_KAFKA_RESOURCE_GROUP, "rightful");
  reader.with_backlog(3);
  EXPECT_THAT(reader.findings(), HasSubstr("group rightful on rights: 3 records behind"));
}

TEST_F(KafkaFaults, TlsIsCheckedAndAClientsCertificateGiven) {
  admin->create("safe");
  admin->produce("safe", 3);
  const auto& pki = shared_server().certificates();
  auto spec = spec_of("safe", "g");
  spec.servers = shared_server().tls_url();
  spec.tls = true;
  EXPECT_THAT(Reader(spec).error(ErrorCode::kDenied).message,
              HasSubstr("tls.ca_file"));  // signed by nobody known here
  spec.tls_ca_file = pki.ca;
  EXPECT_EQ(Reader(spec).sample().num_pending, 3u);
  spec.tls_cert_file = pki.client_cert;
  spec.tls_key_file = pki.client_key;
  EXPECT_EQ(Reader(spec).sample().num_pending, 3u);
  spec.tls_cert_file = "/nowhere";
  EXPECT_EQ(Reader(spec).error(ErrorCode::kInvalid).code, ErrorCode::kInvalid);
  spec.tls_cert_file.clear();
  spec.tls_key_file.clear();
  spec.tls_ca_file.clear();
  spec.tls_verify = false;
  EXPECT_EQ(Reader(spec).sample().num_pending, 3u);
  spec.tls = false;  // spoken to without TLS, the port says nothing that makes sense
  EXPECT_THAT(Reader(spec).error(ErrorCode::kUnavailable).message,
              HasSubstr("check the port, and whether it is one for TLS"));
}

TEST_F(KafkaFaults, LibrdkafkasLinesGoWhereTheyAreWanted) {
  std::mutex mutex;
  std::string lines;
  auto spec = spec_of("x", "g");
  spec.servers = "127.0.0.1:1";
  KafkaClusters clusters({.log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    lines += line + "\n";
  }});
  {
    KafkaSource source(clusters.get(spec, {}), {spec, 0, 1});
    std::promise<Result<Reading>> got;
    source.read({std::chrono::seconds(5), {}}, [&](Result<Reading> r) { got.set_value(std::move(r)); });
    EXPECT_FALSE(got.get_future().get());
  }
  const std::lock_guard lock(mutex);
  EXPECT_THAT(lines, HasSubstr("kafka 127.0.0.1:1: "));
  EXPECT_THAT(lines, HasSubstr("refused"));
}

TEST_F(KafkaFaults, ValidateTellsTheBoundAndWhatIsThere) {
  admin->create("bound", 3);
  admin->produce("bound", 6);
  Reader reader(spec_of("bound", "workers"), 0, 10);
  const auto said = reader.findings();
  EXPECT_THAT(said, HasSubstr("ok: Kafka at 127.0.0.1:"));
  EXPECT_THAT(said, HasSubstr("group workers on bound: 6 records behind in 3 partitions"));
  EXPECT_THAT(
      said,
      HasSubstr("max_replicas is 10, and more than 3 replicas are of no use: the topic has 3 partitions"));
  EXPECT_THAT(said, Not(HasSubstr("error:")));
}

TEST_F(KafkaFaults, APartitionWithoutALeaderIsNoDataAndItsNeighboursGoOn) {
  auto second = std::make_unique<KafkaServerProcess>(&shared_server());
  eventually([&] {
    try {
      admin->create_on("far", 2);
      return true;
    } catch (const std::runtime_error&) {  // the second broker is not known yet
      return false;
    }
  });
  admin->create_on("near", 1);
  auto client = std::make_unique<KafkaAdmin>(shared_server().url());
  client->produce("far", 30);
  client->produce("near", 3);
  client.reset();
  Reader far(spec_of("far", "g")), near(spec_of("near", "g"));
  auto both = spec_of("far", "g2");
  both.topics = {"far", "near"};
  Reader half(both);
  far.with_backlog(30);
  half.with_backlog(33);
  second->kill();
  const auto error = [&] {
    Error last;
    eventually([&] {
      const auto r = far.read(std::chrono::seconds(2));
      if (!r) last = r.error();
      EXPECT_TRUE(!r || r->queue->num_pending == 30u);
      return last.message.find("has no leader") != std::string::npos;
    });
    return last;
  }();
  EXPECT_THAT(error.message, HasSubstr("partition 0 of topic far has no leader now"));
  EXPECT_FALSE(half.read(std::chrono::seconds(2)));
  EXPECT_EQ(near.sample().num_pending, 3u);
  EXPECT_THAT(far.findings(), HasSubstr("error: partition 0 of topic far has no leader"));
  second->start();
  far.with_backlog(30);
  half.with_backlog(33);
  second->stop();  // signed off, so that nobody waits for it
}

}  // namespace
}  // namespace docktor::test
