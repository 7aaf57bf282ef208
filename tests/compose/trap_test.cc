// Each trap gets a refusal with its cure, or a right replica.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/compose/stack.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

class ComposeTraps : public testing::Test {
 protected:
  // What an order for one more says about a service with `more` in its definition.
  std::string refusal(const std::string& more, const std::string& rest = {}) {
    const Stack stack("services:\n" + sleeper("worker", more) + rest);
    stack.up();
    Scaler s(stack, "worker", docker_);
    EXPECT_TRUE(s.ready(1));
    const auto r = s.scale(2);
    EXPECT_FALSE(r.has_value()) << r.value_or("");
    EXPECT_EQ(1u, stack.containers("worker", "-a").size());
    return r ? "" : r.error().message;
  }
  Docker docker_;
};

TEST_F(ComposeTraps, ContainerName) {
  EXPECT_THAT(refusal(fmt::format("    container_name: docktor-test-{}-fixed\n", ::getpid())),
              HasSubstr("remove container_name"));
}

TEST_F(ComposeTraps, AFixedHostPort) {
  const auto r = refusal("    ports: ['38417:80']\n");
  EXPECT_THAT(r, HasSubstr("host port 38417 is fixed"));
  EXPECT_THAT(r, HasSubstr("; in service worker, write the port without a host port"));
}

TEST_F(ComposeTraps, WhatBoundsTheReplicasIsInTheReport) {
  const Stack stack("services:\n" + sleeper("one", "    ports: ['38418:80']\n") +
                    sleeper("few", "    ports: ['38430-38432:80']\n") + sleeper("many"));
  stack.up();
  const auto bound = [&](const char* service) {
    Scaler s(stack, service, docker_);
    EXPECT_TRUE(s.ready(1));
    return s.report().bound;
  };
  ASSERT_TRUE(bound("one"));
  EXPECT_EQ(bound("one")->most, 1);
  EXPECT_THAT(bound("one")->why, HasSubstr("host port 38418 is fixed"));
  EXPECT_THAT(bound("one")->why, HasSubstr("; in service one, write the port"));
  ASSERT_TRUE(bound("few"));
  EXPECT_EQ(bound("few")->most, 3);
  EXPECT_FALSE(bound("many"));
}

TEST_F(ComposeTraps, AStaticAddress) {
  EXPECT_THAT(refusal("    networks: {fixed: {ipv4_address: 172.31.99.7}}\n",
                      "networks:\n  fixed:\n    ipam: {config: [{subnet: 172.31.99.0/24}]}\n"),
              HasSubstr("remove ipv4_address"));
}

TEST_F(ComposeTraps, ARangeOfHostPortsIsTheMostThereCanBe) {
  const Stack stack("services:\n" + sleeper("worker", "    ports: ['38420-38422:80']\n"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  const auto r = s.scale(5);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_THAT(*r, HasSubstr("for 3 containers at most"));
  ASSERT_TRUE(s.ready(3));
  EXPECT_EQ(3u, stack.containers("worker", "-a").size()) << "no created leftovers";
  ASSERT_FALSE(s.scale(5));
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
}

TEST_F(ComposeTraps, SecretsGivenInlineComeByTheComposeCommand) {
  const Stack stack(
      "services:\n" + sleeper("worker", "    secrets: [s1]\n    configs: [{source: k1, target: /etc/k1}]\n") +
      "secrets:\n  s1: {environment: DOCKTORS_TEST_SECRET}\nconfigs:\n  k1: {content: 'k=1'}\n");
  ASSERT_EQ(
      0,
      sh("DOCKTORS_TEST_SECRET=hush docker compose -p " + stack.project() + " up -d", stack.folder()).code);
  ::setenv("DOCKTORS_TEST_SECRET", "hush", 1);
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  const auto r = s.scale(3);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_THAT(*r, HasSubstr("by the Compose command, since secret s1"));
  ASSERT_TRUE(s.ready(3));
  const auto three = stack.project() + "-worker-3";
  EXPECT_EQ("hush", must("docker exec " + three + " cat /run/secrets/s1"));
  EXPECT_EQ("k=1", must("docker exec " + three + " cat /etc/k1"));
  ASSERT_TRUE(s.scale(1));
  ASSERT_TRUE(s.ready(1));
  ::unsetenv("DOCKTORS_TEST_SECRET");
}

// A service whose secret and config the Compose command puts into its containers, whichever way the files say
// so.
struct Injection {
  const char* name;
  std::string compose_file;
  std::vector<std::pair<std::string, std::string>> other_files;
};

class ComposeInjection : public testing::TestWithParam<Injection> {};

TEST_P(ComposeInjection, EveryReplicaHasItsSecretAndConfig) {
  const Stack stack(GetParam().compose_file);
  for (const auto& [name, text] : GetParam().other_files) stack.write(name, text);
  ::setenv("DOCKTORS_TEST_SECRET", "hush", 1);
  stack.up();
  Docker docker;
  Scaler s(stack, "worker", docker);
  ASSERT_TRUE(s.ready(1));
  const auto r = s.scale(3);
  ::unsetenv("DOCKTORS_TEST_SECRET");
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_TRUE(s.ready(3));
  for (const int number : {2, 3}) {
    const auto name = fmt::format("{}-worker-{}", stack.project(), number);
    EXPECT_EQ("hush", must("docker exec " + name + " cat /run/secrets/s1"));
    EXPECT_EQ("k=1", must("docker exec " + name + " cat /etc/k1"));
  }
}

const std::string kUse = "    secrets: [s1]\n    configs: [{source: k1, target: /etc/k1}]\n";
const std::string kGiven =
    "secrets:\n  s1: {environment: DOCKTORS_TEST_SECRET}\nconfigs:\n  k1: {content: 'k=1'}\n";

INSTANTIATE_TEST_SUITE_P(
    Ways, ComposeInjection,
    testing::Values(
        Injection{"extends",
                  "services:\n" + sleeper("base", kUse) + "  worker: {extends: {service: base}}\n" + kGiven,
                  {}},
        Injection{"extends_another_file",
                  "services:\n  worker: {extends: {file: base.yaml, service: base}}\n" + kGiven,
                  {{"base.yaml", "services:\n" + sleeper("base", kUse)}}},
        Injection{"include",
                  "include: [more.yaml]\n",
                  {{"more.yaml", "services:\n" + sleeper("worker", kUse) + kGiven}}},
        Injection{"override",
                  "services:\n" + sleeper("worker"),
                  {{"docker-compose.override.yaml", "services:\n  worker:\n" + kUse + kGiven}}},
        Injection{"anchor",
                  "x-use: &use\n  secrets: [s1]\n  configs: [{source: k1, target: /etc/k1}]\nservices:\n" +
                      sleeper("worker", "    <<: *use\n") + kGiven,
                  {}},
        Injection{"merged_list",
                  "x-a: &a {secrets: [s1]}\nx-b: &b {configs: [{source: k1, target: /etc/k1}]}\nservices:\n" +
                      sleeper("worker", "    <<: [*a, *b]\n") + kGiven,
                  {}}),
    [](const auto& info) { return info.param.name; });

TEST_F(ComposeTraps, ASecretWhoseVariableDocktorDoesNotHaveIsRefusedInOneLine) {
  const Stack stack("services:\n" + sleeper("worker", "    secrets: [s1]\n") +
                    "secrets:\n  s1: {environment: DOCKTORS_TEST_SECRET}\n");
  ASSERT_EQ(
      0,
      sh("DOCKTORS_TEST_SECRET=hush docker compose -p " + stack.project() + " up -d", stack.folder()).code);
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  const auto refused = s.scale(2);
  ASSERT_FALSE(refused);
  EXPECT_THAT(
      refused.error().message,
      HasSubstr("secret s1 comes from the variable DOCKTORS_TEST_SECRET, which is not set for docktor"));
  EXPECT_EQ(std::string::npos, refused.error().message.find('\n'));
  stack.write(".env", "DOCKTORS_TEST_SECRET=hush\n");
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
}

TEST_F(ComposeTraps, TheHostsNetworkWorksForWorkers) {
  const Stack stack("services:\n" + sleeper("worker", "    network_mode: host\n"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  const auto r = s.scale(3);
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_TRUE(s.ready(3));
}

TEST_F(ComposeTraps, AnotherContainersNetworkWorksForWorkers) {
  const Stack stack("services:\n" + sleeper("worker", "    network_mode: service:other\n") +
                    sleeper("other"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  const auto r = s.scale(2);
  ASSERT_TRUE(r) << r.error().message;
  ASSERT_TRUE(s.ready(2));
}

TEST_F(ComposeTraps, AMacAddressIsNotCopied) {
  const Stack stack("services:\n" + sleeper("worker", "    mac_address: 02:42:ac:11:65:43\n"));
  stack.up();
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(2));
  ASSERT_TRUE(s.ready(2));
  EXPECT_EQ(0, sh("docker inspect " + stack.project() + "-worker-2 | grep -q 02:42:ac:11:65:43").code == 0);
}

TEST_F(ComposeTraps, AProjectOfComposeV1KeepsItsNames) {
  const char* command = std::getenv("DOCKTOR_TEST_COMPOSE_V1");  // NOLINT(concurrency-mt-unsafe)
  if (!command || !*command) GTEST_SKIP() << "Compose v1 cannot be had from Debian's packages";
  const auto v1 = std::string(command) + " -p ";
  const Stack stack("version: '3'\nservices:\n" + sleeper("worker") + sleeper("other"));
  const auto up = sh(v1 + stack.project() + " up -d", stack.folder());
  ASSERT_EQ(0, up.code) << up.out;
  Scaler s(stack, "worker", docker_);
  ASSERT_TRUE(s.ready(1));
  ASSERT_TRUE(s.scale(3));
  ASSERT_TRUE(s.ready(3));
  EXPECT_THAT(stack.containers("worker"), testing::Contains(stack.project() + "_worker_3"));
  const auto before = stack.ids("worker");
  EXPECT_EQ(0, sh(v1 + stack.project() + " up -d --scale worker=3", stack.folder()).code);
  EXPECT_EQ(before, stack.ids("worker"));
  EXPECT_EQ(0, sh(v1 + stack.project() + " down -t 0", stack.folder()).code);
  EXPECT_TRUE(stack.containers("worker", "-a").empty());
}

}  // namespace
}  // namespace docktor::test
