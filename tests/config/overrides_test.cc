// Precedence: file < environment < flag, and the selection of one service.
#include <gtest/gtest.h>

#include "tests/config/test_files.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

TEST(Overrides, PutTheEnvironmentAboveTheFile) {
  const Environment env{
      {"DOCKTOR_MIN_REPLICAS", "3"},    {"DOCKTOR_MAX_REPLICAS", "30"},    {"DOCKTOR_SCALE_UP_BY", "5"},
      {"DOCKTOR_SCALE_DOWN_BY", "4"},   {"DOCKTOR_CHECK_INTERVAL", "7"},   {"DOCKTOR_SAMPLE_INTERVAL", "2s"},
      {"DOCKTOR_METRICS_WINDOW", "9s"}, {"DOCKTOR_COOLDOWN_UP", "1m"},     {"DOCKTOR_COOLDOWN_DOWN", "2m"},
      {"DOCKTOR_STABILIZATION", "3m"},  {"DOCKTOR_QUEUE_URL", "nats://q"}, {"DOCKTOR_QUEUE_USER", "u"},
      {"DOCKTOR_QUEUE_PASSWORD", "p"}};
  const auto s = service_of(load_text(with_queue(""), env));
  EXPECT_EQ(s.limits.min_replicas, 3);
  EXPECT_EQ(s.limits.max_replicas, 30);
  EXPECT_EQ(s.limits.scale_up_by, 5);
  EXPECT_EQ(s.limits.scale_down_by, 4);
  EXPECT_TRUE(s.limits.steps_given);
  EXPECT_EQ(s.check_interval, 7s);
  EXPECT_EQ(s.sample_interval, 2s);
  EXPECT_EQ(s.metrics_window, 9s);
  EXPECT_EQ(s.limits.cooldown_up, 1min);
  EXPECT_EQ(s.limits.cooldown_down, 2min);
  EXPECT_EQ(s.limits.stabilization, 3min);
  EXPECT_EQ(s.queue->settings.get<Url>("url").value, "nats://q");
  EXPECT_EQ(s.queue->settings.text("user"), "u");
  EXPECT_EQ(s.queue->settings.get<Secret>("password").value, "p");
}

TEST(Overrides, ReachTheLegacyFormAndAllServices) {
  const Environment env{{"DOCKTOR_MAX_REPLICAS", "6"}};
  EXPECT_EQ(service_of(
                load_text("service: w\nscaling: {cpu_high: 9}\ntarget: {kind: process, command: [w]}\n", env))
                .limits.max_replicas,
            6);
  const auto two = load_text(
      "services:\n  - &a {name: a, rules: {scale_up_when: [{metric: cpu.avg, op: '>', value: 1}]}, target: "
      "{kind: process, command: [w]}}\n  - {<<: *a, name: b, max_replicas: 3}\n",
      env);
  ASSERT_TRUE(two.config) << two.mistakes[0];
  EXPECT_EQ(two.config->services[0].limits.max_replicas, 6);
  EXPECT_EQ(two.config->services[1].limits.max_replicas, 6);
}

TEST(Overrides, PutFlagsAboveTheEnvironment) {
  const auto s = service_of(load_text(with_service("    check_interval: 30\n"),
                                      {{"DOCKTOR_CHECK_INTERVAL", "20"}}, {.interval = "5"}));
  EXPECT_EQ(s.check_interval, 5s);
}

TEST(Overrides, TakeAnEmptyVariableAsUnset) {
  EXPECT_EQ(service_of(load_text(with_service(""), {{"DOCKTOR_MAX_REPLICAS", ""}})).limits.max_replicas, 10);
}

TEST(Overrides, NameTheVariableOrFlagThatIsMistaken) {
  EXPECT_EQ(
      load_text(with_service(""), {{"DOCKTOR_MAX_REPLICAS", "many"}, {"DOCKTOR_COOLDOWN_UP", "-1"}},
                {.interval = "soon"})
          .mistakes,
      (Strings{"--interval: check_interval is \"soon\"; allowed: a duration from 10ms to 1h; write 10 "
               "(seconds), 500ms, "
               "10s, 2m, 1h or 1m30s",
               "DOCKTOR_COOLDOWN_UP: cooldown_up is \"-1\"; allowed: a duration from 0s to 24h; write 10 "
               "(seconds), 500ms, "
               "10s, 2m, 1h or 1m30s",
               "DOCKTOR_MAX_REPLICAS: max_replicas is \"many\"; allowed: a whole number from 1 to 100000"}));
}

TEST(Overrides, NameTheVariableThatDoesNotFitTheFile) {
  EXPECT_EQ(load_text(with_service(""), {{"DOCKTOR_MIN_REPLICAS", "20"}}).mistakes,
            Strings{"DOCKTOR_MIN_REPLICAS: max_replicas is 10, below min_replicas 20; allowed: max_replicas "
                    "of 20 or more"});
  EXPECT_EQ(load_text(with_service("    sample_interval: 2s\n"), {}, {.interval = "1"}).mistakes,
            Strings{"--interval: sample_interval is 2s, longer than check_interval 1s; allowed: "
                    "sample_interval of 1s or less"});
}

TEST(Overrides, DoNotHideAMistakeInTheFile) {
  EXPECT_EQ(load_text("services:\n  - {name: a, max_replicas: x, rules: {scale_up_when: [{metric: cpu.avg, "
                      "op: '>', value: 1}]}, "
                      "target: {kind: process, command: [w]}}\n",
                      {{"DOCKTOR_MAX_REPLICAS", "5"}})
                .mistakes,
            Strings{"f.yaml:2:29: max_replicas is \"x\"; allowed: a whole number from 1 to 100000"});
}

TEST(Overrides, TakeTheComposeFileRelativeToTheWorkingDirectory) {
  const TestFolder folder;
  folder.write("env.yaml", "");
  folder.write("flag.yaml", "");
  const std::string text =
      "compose_file: c.yaml\nservices:\n  - {name: a, max_replicas: 2, rules: {scale_up_when: [{metric: "
      "cpu.avg, "
      "op: '>', value: 1}]}}\n";
  const Environment env{{"DOCKTOR_COMPOSE_FILE", "env.yaml"}};
  EXPECT_EQ(service_of(load_text(text, env, {.cwd = folder.path()})).target.settings.text("compose_file"),
            folder.file("env.yaml"));
  EXPECT_EQ(
      service_of(load_text(text, env, {.cwd = folder.path(), .of_kinds = {{"--compose-file", "flag.yaml"}}}))
          .target.settings.text("compose_file"),
      folder.file("flag.yaml"));
  EXPECT_EQ(
      load_text(text, {}, {.cwd = folder.path(), .of_kinds = {{"--compose-file", "none.yaml"}}}).mistakes,
      Strings{"--compose-file: compose_file \"" + folder.file("none.yaml") +
              "\" cannot be read: No such file or directory; name the Compose file of the service"});
}

TEST(Overrides, SelectOneServiceByItsName) {
  const std::string text = with_service("") + R"(  - name: other
    max_replicas: 3
    target: {kind: process, command: [worker]}
    rules: {scale_up_when: [{metric: cpu.avg, op: ">", value: 80}]}
)";
  EXPECT_EQ(service_of(load_text(text, {}, {.service = "other"})).name, "other");
  EXPECT_EQ(load_text(text, {}, {.service = "othr"}).mistakes,
            Strings{"--service: there is no service \"othr\"; did you mean other?"});
  EXPECT_EQ(load_text(text, {}, {.service = "zzzzzzzz"}).mistakes,
            Strings{"--service: there is no service \"zzzzzzzz\"; allowed: consumer, other"});
}

TEST(Overrides, NameTheServiceOfTheLegacyForm) {
  const std::string scaling =
      "scaling: {cpu_high: 9, max_replicas: 2}\ntarget: {kind: process, command: [w]}\n";
  EXPECT_EQ(service_of(load_text("service: web\n" + scaling, {}, {.service = "api"})).name, "api");
  EXPECT_EQ(service_of(load_text(scaling, {}, {.service = "api"})).name, "api");
}

}  // namespace
}  // namespace docktor
