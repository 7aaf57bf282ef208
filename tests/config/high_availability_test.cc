// The high_availability block: what the least of it means, and what is refused, with the words.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/effective.h"
#include "tests/config/test_files.h"

namespace docktor::lease_keys {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

LoadResult load(const std::string& block, const std::string& target = "{kind: kubernetes}") {
  return load_text("high_availability: " + block +
                   "\nservices:\n  - name: web\n    max_replicas: 3\n    queue: {url: 'nats://n', stream: S, "
                   "consumer: C}\n"
                   "    objective: {max_wait: 5s}\n    target: " +
                   target + "\n");
}

std::string mistake(const std::string& block, const std::string& target = "{kind: kubernetes}") {
  return fmt::format("{}", fmt::join(load(block, target).mistakes, " | "));
}

TEST(HighAvailability, TheLeastIsAnEmptyBlock) {
  const auto r = load("{}");
  ASSERT_TRUE(r.config) << mistake("{}");
  ASSERT_TRUE(r.lease);
  EXPECT_EQ(*r.lease, LeaseSpec{});
  EXPECT_EQ(effective_lease(*r.lease).dump(),
            R"({"name":"docktor","lease_duration":"15s","renew_deadline":"10s","retry_period":"2s"})");
}

TEST(HighAvailability, AllOfItsKeys) {
  const auto r = load(
      "{name: shop.docktor-2, namespace: shop, kubeconfig: ~/.kube/config, context: prod, identity: left, "
      "lease_duration: 3s, renew_deadline: 2s, retry_period: 300ms}");
  ASSERT_TRUE(r.lease) << mistake("{}");
  EXPECT_EQ(r.lease->name, "shop.docktor-2");
  EXPECT_EQ(r.lease->namespace_, "shop");
  EXPECT_EQ(r.lease->identity, "left");
  EXPECT_EQ(r.lease->retry_period, 300ms);
}

TEST(HighAvailability, WithoutItADaemonActsAlone) {
  EXPECT_FALSE(
      load_text("services:\n  - name: web\n    max_replicas: 3\n    target: {kind: process, command: [w]}\n"
                "    rules: {scale_up_when: [{metric: cpu.avg, op: '>', value: 1}]}\n")
          .lease);
}

TEST(HighAvailability, MistakesSayWhatToWrite) {
  EXPECT_THAT(mistake("{name: Shop}"), HasSubstr("name \"Shop\" is not one that Kubernetes takes"));
  EXPECT_THAT(mistake("{namespace: 'a/b'}"), HasSubstr("namespace \"a/b\" is not one that Kubernetes takes"));
  EXPECT_THAT(mistake("{kubeconfig: config}"), HasSubstr("neither an absolute path nor one under ~/"));
  EXPECT_THAT(mistake("{lease_duration: 1500ms, renew_deadline: 1s, retry_period: 100ms}"), HasSubstr("2"));
  EXPECT_THAT(mistake("{lease_duration: 2500ms, renew_deadline: 1s, retry_period: 100ms}"),
              HasSubstr("in whole seconds"));
  EXPECT_THAT(mistake("{lease_duration: 10s}"),
              HasSubstr("renew_deadline must be shorter than lease_duration (10s)"));
  EXPECT_THAT(mistake("{retry_period: 9s}"),
              HasSubstr("1.2 times retry_period must be shorter than renew_deadline (10s)"));
  EXPECT_THAT(mistake("{lease: nats}"), HasSubstr("unknown key"));
  EXPECT_THAT(mistake("{}", "{kind: process, command: [w]}"),
              HasSubstr("high_availability is for targets of kind kubernetes, and service \"web\" has one of "
                        "kind process"));
}

}  // namespace
}  // namespace docktor::lease_keys
