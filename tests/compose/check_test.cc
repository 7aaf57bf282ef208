// What `docktor config validate` finds in the world.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "targets/compose/compose_check.h"
#include "tests/compose/stack.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string told(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& f : findings) {
    out += fmt::format("{} {} | {}\n",
                       f.severity == Severity::kOk        ? "ok"
                       : f.severity == Severity::kWarning ? "warning"
                                                          : "error",
                       f.what, f.cure);
  }
  return out;
}

class Validate : public testing::Test {
 protected:
  std::string check(const Stack& stack, const std::string& service, int max = 5) {
    ComposeSpec spec;
    spec.compose_file = stack.file();
    spec.project = stack.project();
    return told(check_compose(docker_.engine(), service, spec, max));
  }
  Docker docker_;
};

TEST_F(Validate, AHealthyServiceHasNothingToMend) {
  const Stack stack("services:\n" + sleeper("worker"));
  stack.up("--scale worker=2");
  const auto t = check(stack, "worker");
  EXPECT_THAT(t, HasSubstr("ok Docker answers at unix://"));
  EXPECT_THAT(t, HasSubstr("2 of 2 containers of service worker running"));
  EXPECT_THAT(t, Not(HasSubstr("warning")));
  EXPECT_THAT(t, Not(HasSubstr("error")));
}

TEST_F(Validate, AServiceIsNotFoundByAPartOfItsName) {
  const Stack stack("services:\n" + sleeper("webhook"));
  EXPECT_THAT(check(stack, "web"), HasSubstr("error service web is not in"));
  EXPECT_THAT(check(stack, "webhok"), HasSubstr("did you mean webhook?"));
  EXPECT_THAT(check(stack, "webhook"),
              HasSubstr("has no containers yet | start it with `docker compose -p "));
}

TEST_F(Validate, TrapsAreToldBeforeAndAfterDeployment) {
  const Stack stack("services:\n" + sleeper("worker", "    ports: ['38440:80']\n"));
  EXPECT_THAT(check(stack, "worker"), HasSubstr("error host port 38440 is fixed"));
  stack.up();
  EXPECT_THAT(check(stack, "worker"),
              HasSubstr("error host port 38440 is fixed: only one container can have it; max_replicas is 5"));
  EXPECT_THAT(check(stack, "worker", 1), Not(HasSubstr("38440"))) << "one replica can have it";
}

TEST_F(Validate, AProxyThatResolvesOnceIsTold) {
  const Stack stack(
      "services:\n" + sleeper("web") +
      "  proxy:\n    image: docktor-test/busybox\n    init: true\n    volumes: ['./conf:/etc/nginx']\n"
      "    command: [sh, -c, 'sleep 10000 # nginx']\n");
  must("mkdir conf", stack.folder());
  must(
      "printf 'http {\\n  upstream app { server web:80; }\\n  server { location / { proxy_pass http://app; } "
      "}\\n}\\n' > conf/nginx.conf",
      stack.folder());
  stack.up();
  EXPECT_THAT(check(stack, "web"), HasSubstr("warning server web:80 in /etc/nginx/nginx.conf of " +
                                             stack.project() + "-proxy-1 resolves web once"));
}

TEST_F(Validate, ANewImageThatIsNotDeployedIsTold) {
  must("docker tag docktor-test/busybox docktor-test/newer:1");
  const Stack stack(
      "services:\n  worker:\n    image: docktor-test/newer:1\n    init: true\n    command: sleep 10000\n");
  stack.up();
  must(
      "printf 'FROM docktor-test/busybox\\nRUN echo newer > /newer\\n' | docker build -q -t "
      "docktor-test/newer:1 -");
  EXPECT_THAT(check(stack, "worker"),
              HasSubstr("warning image docktor-test/newer:1 was built or pulled anew"));
  sh("docker rmi docktor-test/newer:1");
}

TEST_F(Validate, AServiceOfAnOverrideOrAnIncludedFileIsFound) {
  for (const auto* other : {"docker-compose.override.yaml", "more.yaml"}) {
    const bool included = other == std::string("more.yaml");
    const Stack stack((included ? "include: [more.yaml]\nservices:\n" : "services:\n") + sleeper("worker"));
    stack.write(other, "services:\n" + sleeper("extra"));
    EXPECT_THAT(check(stack, "extra"), HasSubstr("ok service extra is in "));
    stack.up();
    const auto t = check(stack, "extra");
    EXPECT_THAT(t, HasSubstr("1 of 1 containers of service extra running"));
    EXPECT_THAT(t, Not(HasSubstr("error")));
    EXPECT_THAT(t, Not(HasSubstr("warning")));
  }
}

TEST_F(Validate, ARunningServiceNeedsNoReadableFile) {
  const Stack stack("services:\n" + sleeper("worker"));
  stack.up();
  stack.write("not: [a, Compose\n");
  EXPECT_THAT(check(stack, "worker"), Not(HasSubstr("error")));
  stack.write("services:\n" + sleeper("other"));
  EXPECT_THAT(check(stack, "worker"), Not(HasSubstr("error")));
  stack.write("a: 1\n");
  EXPECT_THAT(check(stack, "wrker"), HasSubstr("error service wrker is not in"));
  EXPECT_THAT(check(stack, "wrker"), HasSubstr("it has no services: set compose_file"));
}

TEST_F(Validate, AServiceOfAProfileIsToldWithTheCommandThatStartsIt) {
  const Stack stack("services:\n" + sleeper("transcode", "    profiles: [workers]\n") + sleeper("other"));
  EXPECT_THAT(check(stack, "transcode"), HasSubstr("--profile workers up -d"));
  stack.up();
  const auto t = check(stack, "transcode");
  EXPECT_THAT(t, HasSubstr("warning project " + stack.project() +
                           " is there, but service transcode has no "
                           "containers: it is started with profile workers only"));
  EXPECT_THAT(t, HasSubstr("--profile workers up -d transcode"));
}

TEST_F(Validate, ASecretWhoseVariableIsNotSetIsAnError) {
  const Stack stack("services:\n" + sleeper("worker", "    secrets: [s1]\n") +
                    "secrets:\n  s1: {environment: DOCKTORS_TEST_SECRET}\n");
  ASSERT_EQ(
      0,
      sh("DOCKTORS_TEST_SECRET=hush docker compose -p " + stack.project() + " up -d", stack.folder()).code);
  EXPECT_THAT(
      check(stack, "worker"),
      HasSubstr(
          "error secret s1 comes from the variable DOCKTORS_TEST_SECRET, which is not set for docktor"));
  ::setenv("DOCKTORS_TEST_SECRET", "hush", 1);
  EXPECT_THAT(check(stack, "worker"), Not(HasSubstr("error")));
  ::unsetenv("DOCKTORS_TEST_SECRET");
}

TEST_F(Validate, NoDockerIsToldWithWhatWasTried) {
  Docker none({.getenv = [](const char*) -> const char* { return nullptr; },
               .default_socket = "/nonexistent/docker.sock"});
  ComposeSpec spec;
  const auto t = told(check_compose(none.engine(), "worker", spec, 5));
  EXPECT_THAT(t, HasSubstr("error no Docker found; tried DOCKER_HOST (not set)"));
  EXPECT_THAT(t, HasSubstr("systemctl start docker"));
}

}  // namespace
}  // namespace docktor::test
