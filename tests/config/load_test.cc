#include "config/load.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "config/yaml.h"
#include "core/worker_habits.h"
#include "tests/config/test_files.h"

namespace docktor {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

// The original's example, as it stands (its services and its llm block).
constexpr std::string_view kOriginal = R"(version: "1"
compose_file: docker-compose.yaml
llm:
  provider: dmr
  base_url: "http://localhost:12434/engines/llama.cpp/v1"
  model: "ai/llama3.2"
services:
  - name: consumer
    min_replicas: 1
    max_replicas: 10
    metrics_window: 10
    check_interval: 10
    rules:
      scale_up_when:
        - metric: queue.backlog
          op: ">"
          value: 500
        - metric: queue.rate_in
          op: ">"
          value: 200
      scale_down_when:
        - metric: queue.backlog
          op: "<="
          value: 100
        - metric: queue.rate_in
          op: "<"
          value: 150
    queue:
      kind: nats
      url: nats://nats:4222
      jetstream: true
      stream: EVENTS
      consumer: WEB_WORKERS
      subject: events.web
      metrics: [backlog, lag, rate_in, rate_out]
)";

TEST(Load, TakesTheOriginalsExampleAsItStands) {
  const TestFolder folder;
  folder.write("docker-compose.yaml", "services: {}\n");
  const auto path = folder.write("docktor.yaml", kOriginal);
  const auto result = load_file(path, {});
  const auto s = service_of(result);
  EXPECT_EQ(result.config->path, path);
  EXPECT_EQ(result.config->shown, path);
  EXPECT_EQ(result.config->version, "1");
  ASSERT_TRUE(result.config->llm);
  EXPECT_EQ(result.config->llm->provider, "dmr");
  EXPECT_EQ(result.config->llm->base_url, "http://localhost:12434/engines/llama.cpp/v1");
  EXPECT_EQ(result.config->llm->model, "ai/llama3.2");
  EXPECT_EQ(s.name, "consumer");
  EXPECT_EQ(s.limits.min_replicas, 1);
  EXPECT_EQ(s.limits.max_replicas, 10);
  EXPECT_EQ(s.limits.scale_up_by, 2);
  EXPECT_EQ(s.limits.scale_down_by, 1);
  EXPECT_FALSE(s.limits.steps_given);
  EXPECT_EQ(s.metrics_window, 10s);
  EXPECT_EQ(s.check_interval, 10s);
  EXPECT_EQ(s.sample_interval, 1s);
  ASSERT_TRUE(s.rules);
  ASSERT_EQ(s.rules->scale_up_when.size(), 2U);
  ASSERT_EQ(s.rules->scale_down_when.size(), 2U);
  EXPECT_EQ(s.rules->scale_up_when[0].metric, Metric::kQueueBacklog);
  EXPECT_EQ(s.rules->scale_up_when[0].metric_text, "queue.backlog");
  EXPECT_EQ(s.rules->scale_up_when[0].op, Op::kGreater);
  EXPECT_EQ(s.rules->scale_up_when[0].value, 500);
  EXPECT_EQ(s.rules->scale_up_when[0].value_text, "500");
  EXPECT_EQ(s.rules->scale_down_when[0].op, Op::kLessEqual);
  EXPECT_EQ(s.rules->scale_down_when[1].op, Op::kLess);
  ASSERT_TRUE(s.queue);
  EXPECT_EQ(s.queue->settings.get<Url>("url").value, "nats://nats:4222");
  EXPECT_EQ(s.queue->settings.text("stream"), "EVENTS");
  EXPECT_EQ(s.queue->settings.text("consumer"), "WEB_WORKERS");
  EXPECT_EQ(s.queue->settings.text("subject"), "events.web");
  EXPECT_EQ(s.queue->settings.get<Strings>("metrics"), (Strings{"backlog", "lag", "rate_in", "rate_out"}));
  EXPECT_EQ(s.target.kind, "compose");
  EXPECT_EQ(s.target.settings.text("compose_file"), folder.file("docker-compose.yaml"));
  EXPECT_FALSE(s.objective);
}

constexpr std::string_view kOriginalLegacy = R"(service: web
compose_file: docker-compose.yaml
scaling: {cpu_high: 75, cpu_low: 20, min_replicas: 2, max_replicas: 10, scale_up_by: 2, scale_down_by: 1,
          check_interval: 10, metrics_window: 10}
llm: {provider: openai, model: gpt-4o-mini}
)";

TEST(Load, TakesTheLegacyFormAsRulesOnCpu) {
  const TestFolder folder;
  folder.write("docker-compose.yaml", "services: {}\n");
  const auto result = load_file(folder.write("docktor.yaml", kOriginalLegacy), {});
  const auto s = service_of(result);
  EXPECT_EQ(s.name, "web");
  EXPECT_EQ(s.limits.min_replicas, 2);
  EXPECT_TRUE(s.limits.steps_given);
  ASSERT_TRUE(s.rules);
  ASSERT_EQ(s.rules->scale_up_when.size(), 1U);
  EXPECT_EQ(s.rules->scale_up_when[0].metric, Metric::kCpuAvg);
  EXPECT_EQ(s.rules->scale_up_when[0].metric_text, "cpu.avg");
  EXPECT_EQ(s.rules->scale_up_when[0].op, Op::kGreater);
  EXPECT_EQ(s.rules->scale_up_when[0].value_text, "75");
  ASSERT_EQ(s.rules->scale_down_when.size(), 1U);
  EXPECT_EQ(s.rules->scale_down_when[0].op, Op::kLess);
  EXPECT_EQ(s.rules->scale_down_when[0].value, 20);
  EXPECT_TRUE(s.uses_cpu());
  EXPECT_FALSE(s.queue);
  EXPECT_EQ(s.target.kind, "compose");
  EXPECT_EQ(result.config->llm->base_url, "https://api.openai.com/v1");
}

TEST(Load, TakesEveryKeyOfTheModelAndItsDefaults) {
  const auto llm = [](const LoadResult& result) {
    for (const auto& m : result.mistakes) ADD_FAILURE() << m;
    return result.config ? result.config->llm.value_or(LlmSpec{}) : LlmSpec{};
  };
  const auto standard = llm(load_text("llm: {model: m}\n" + with_service("")));
  EXPECT_EQ(standard.mode, LlmMode::kAdvise);
  EXPECT_EQ(standard.timeout, std::chrono::seconds(10));
  EXPECT_EQ(standard.max_tokens, 256);
  EXPECT_EQ(standard.max_delay, std::chrono::minutes(1));
  EXPECT_TRUE(standard.api_key.empty());
  const auto given =
      llm(load_text("llm: {model: m, base_url: \"http://h:1/v1/\", mode: \"off\", timeout: 500ms, "
                    "max_tokens: 64, max_delay: 0}\n" +
                    with_service("")));
  EXPECT_EQ(given.base_url, "http://h:1/v1");
  EXPECT_EQ(given.mode, LlmMode::kOff);
  EXPECT_EQ(given.timeout, std::chrono::milliseconds(500));
  EXPECT_EQ(given.max_tokens, 64);
  EXPECT_EQ(given.max_delay, Duration::zero());
}

TEST(Load, TakesEveryKeyOfAService) {
  const auto s = service_of(load_text(R"(services:
  - name: consumer
    min_replicas: 0
    max_replicas: 7
    metrics_window: 30s
    check_interval: 2s
    sample_interval: 500ms
    scale_up_by: 3
    scale_down_by: 2
    cooldown_up: 1m
    cooldown_down: 1m30s
    stabilization: 5m
    rules_mode: veto
    rules:
      scale_up_when: [{metric: queue.lag, op: ">=", value: 1e3}, {metric: queue.num_waiting, op: "==", value: 0}]
      scale_down_when: [{metric: cpu.avg_pct, op: "!=", value: -1.5}]
    objective: {max_wait: 250ms, quantile: 0.95}
    queue: {url: "tls://a:4222,tls://b:4222", stream: S, consumer: C}
    target:
      kind: process
      command: [./worker, "--n", 3]
      directory: sub/../work
      environment: {A: 1, B: "x=y", C: ""}
      stop_grace_period: 90
      ready_after: 0
)",
                                      {}, {}, "/etc/docktor"));
  EXPECT_EQ(s.limits.min_replicas, 0);
  EXPECT_EQ(s.limits.max_replicas, 7);
  EXPECT_EQ(s.limits.scale_up_by, 3);
  EXPECT_EQ(s.limits.scale_down_by, 2);
  EXPECT_TRUE(s.limits.steps_given);
  EXPECT_EQ(s.limits.cooldown_up, 60s);
  EXPECT_EQ(s.limits.cooldown_down, 90s);
  EXPECT_EQ(s.limits.stabilization, 5min);
  EXPECT_EQ(s.metrics_window, 30s);
  EXPECT_EQ(s.check_interval, 2s);
  EXPECT_EQ(s.sample_interval, 500ms);
  EXPECT_EQ(s.rules_mode, RulesMode::kVeto);
  ASSERT_EQ(s.rules->scale_up_when.size(), 2U);
  EXPECT_EQ(s.rules->scale_up_when[0].op, Op::kGreaterEqual);
  EXPECT_EQ(s.rules->scale_up_when[0].value, 1000);
  EXPECT_EQ(s.rules->scale_up_when[0].value_text, "1e3");
  EXPECT_EQ(s.rules->scale_up_when[1].op, Op::kEqual);
  EXPECT_EQ(s.rules->scale_down_when[0].metric, Metric::kCpuAvg);
  EXPECT_EQ(s.rules->scale_down_when[0].metric_text, "cpu.avg_pct");
  EXPECT_EQ(s.rules->scale_down_when[0].op, Op::kNotEqual);
  EXPECT_EQ(s.rules->scale_down_when[0].value, -1.5);
  EXPECT_EQ(s.objective->max_wait, 250ms);
  EXPECT_EQ(s.objective->quantile, 0.95);
  EXPECT_EQ(s.queue->settings.get<Url>("url").value, "tls://a:4222,tls://b:4222");
  EXPECT_EQ(s.target.kind, "process");
  EXPECT_EQ(s.target.settings.get<CommandLine>("command").words, (Strings{"./worker", "--n", "3"}));
  EXPECT_EQ(s.target.settings.text("directory"), "/etc/docktor/work");
  EXPECT_EQ(s.target.settings.get<Pairs>("environment"),
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}, {"C", ""}}));
  EXPECT_EQ(s.target.settings.get<Duration>("stop_grace_period"), 90s);
  EXPECT_EQ(s.target.settings.get<Duration>("ready_after"), 0s);
}

TEST(Load, RunsACommandOfOneTextByTheShell) {
  const auto s = service_of(load_text(R"(services:
  - name: a
    max_replicas: 1
    rules: {scale_up_when: [{metric: cpu.max, op: ">", value: 1}]}
    target: {kind: process, command: "exec worker --pid $$$$ --home $HOME", environment: [A=1, "B=x=y", C=]}
)",
                                      {}, {}, "/srv"));
  EXPECT_EQ(s.target.settings.get<CommandLine>("command").words,
            (Strings{"/bin/sh", "-c", "exec worker --pid $$ --home $HOME"}));
  EXPECT_EQ(s.target.settings.text("directory"), "/srv");  // the file's folder
  EXPECT_EQ(s.target.settings.get<Pairs>("environment"),
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}, {"C", ""}}));
}

TEST(Load, SamplesAtLeastAsOftenAsItDecides) {
  EXPECT_EQ(service_of(load_text(with_service("    check_interval: 200ms\n"))).sample_interval, 200ms);
  EXPECT_EQ(service_of(load_text(with_service("    check_interval: 1m\n"))).sample_interval, 1s);
}

TEST(Load, WithAnObjectiveTheIntervalsFollowFromItUnlessTheyAreGiven) {
  const auto with = [](const std::string& lines) {
    return service_of(load_text(R"(services:
  - name: a
    max_replicas: 1
    queue: {url: "nats://h", stream: S, consumer: C}
    target: {kind: process, command: [x]}
)" + lines));
  };
  const auto intervals = [&](const std::string& lines) {
    const auto s = with(lines);
    return std::pair{s.sample_interval, s.check_interval};
  };
  const std::string minute = "    objective: {max_wait: 1m}\n", two = "    objective: {max_wait: 2s}\n";
  EXPECT_EQ(intervals(minute), (std::pair<Duration, Duration>{1s, 1s}));
  EXPECT_EQ(intervals("    objective: {max_wait: 4s}\n"), (std::pair<Duration, Duration>{800ms, 800ms}));
  EXPECT_EQ(intervals(two), (std::pair<Duration, Duration>{500ms, 500ms}));
  EXPECT_EQ(intervals(minute + "    check_interval: 10s\n"), (std::pair<Duration, Duration>{1s, 10s}));
  EXPECT_EQ(intervals(two + "    check_interval: 200ms\n"), (std::pair<Duration, Duration>{200ms, 200ms}));
  EXPECT_EQ(intervals(minute + "    sample_interval: 20s\n"), (std::pair<Duration, Duration>{20s, 20s}));
  EXPECT_EQ(intervals(two + "llm: {provider: dmr, model: m}\n"), (std::pair<Duration, Duration>{500ms, 10s}))
      << "a model needs seconds for its answer";
}

TEST(Load, TakesSeveralServices) {
  const auto result = load_text(with_service("") + R"(  - name: other
    max_replicas: 3
    target: {kind: process, command: [worker]}
    rules: {scale_up_when: [{metric: cpu.avg, op: ">", value: 80}]}
)");
  ASSERT_TRUE(result.config) << result.mistakes[0];
  ASSERT_EQ(result.config->services.size(), 2U);
  EXPECT_EQ(result.config->services[1].name, "other");
}

TEST(Load, SharesKeysByAnchorsAndMergeKeys) {
  const auto result = load_text(R"(x-common: &common
  max_replicas: 5
  target: {kind: process, command: [worker]}
  rules: {scale_up_when: [{metric: cpu.avg, op: ">", value: 80}]}
services:
  - {<<: *common, name: a}
  - {<<: *common, name: b, max_replicas: 6}
)");
  ASSERT_TRUE(result.config) << result.mistakes[0];
  EXPECT_EQ(result.config->services[0].limits.max_replicas, 5);
  EXPECT_EQ(result.config->services[1].limits.max_replicas, 6);
}

TEST(Load, TakesTenThousandServices) {
  std::string text = R"(x-common: &common
  max_replicas: 5
  target: {kind: process, command: [worker, --verbose]}
  rules:
    scale_up_when: [{metric: queue.backlog, op: ">", value: 80}, {metric: queue.rate_in, op: ">", value: 80}]
    scale_down_when: [{metric: queue.backlog, op: "<", value: 8}]
  queue: {url: "nats://localhost", stream: S, consumer: C}
services:
)";
  for (int i = 0; i < 10'000; ++i) text += "  - {<<: *common, name: s" + std::to_string(i) + "}\n";
  const auto result = load_text(text);
  ASSERT_TRUE(result.config) << result.mistakes[0];
  EXPECT_EQ(result.config->services.size(), 10'000U);
}

TEST(Load, TakesQuotedNumbersAsPeopleWriteThem) {
  EXPECT_EQ(service_of(load_text(with_service("    min_replicas: \"3\"\n"))).limits.min_replicas, 3);
}

TEST(Load, InterpolatesValuesNeverStructure) {
  const Environment env{{"MAX", "4"}, {"EVIL", "x, kind: compose}\n  - name: injected"}};
  const auto s = service_of(load_text(R"(services:
  - name: a
    max_replicas: ${MAX}
    min_replicas: "${MIN:-2}"
    rules: {scale_up_when: [{metric: cpu.avg, op: ">", value: "${CPU:-80}"}]}
    target: {kind: process, command: ["${EVIL}", "$${MAX}"]}
)",
                                      env));
  EXPECT_EQ(s.limits.max_replicas, 4);
  EXPECT_EQ(s.limits.min_replicas, 2);
  EXPECT_EQ(s.rules->scale_up_when[0].value_text, "80");
  EXPECT_EQ(s.target.settings.get<CommandLine>("command").words, (Strings{env.at("EVIL"), "${MAX}"}));
}

TEST(Load, TakesAByteOrderMarkAndWindowsLineEnds) {
  const auto result = load_text(
      "\xEF\xBB\xBFservice: web\r\nscaling: {cpu_high: 50, max_replicas: 3}\r\ntarget: {kind: process, "
      "command: [web]}\r\n");
  EXPECT_EQ(service_of(result).name, "web");
}

TEST(Load, NeedsNoComposeFileForAProcess) {
  const auto s = service_of(load_text("compose_file: missing.yaml\n" + with_service("")));
  EXPECT_EQ(s.target.kind, "process");
  EXPECT_FALSE(s.target.settings.has("compose_file"));
}

TEST(Load, TakesComposeKeysOfATarget) {
  const TestFolder folder;
  folder.write("other.yaml", "services: {}\n");
  const auto s = service_of(load_text(R"(compose_file: missing.yaml
services:
  - name: a
    max_replicas: 2
    rules: {scale_up_when: [{metric: mem.limit_pct, op: ">", value: 80}]}
    target: {kind: compose, compose_file: other.yaml, project: shop}
)",
                                      {}, {}, folder.path()));
  EXPECT_EQ(s.target.settings.text("compose_file"), folder.file("other.yaml"));
  EXPECT_EQ(s.target.settings.text("project"), "shop");
}

TEST(Load, HabitsOfTheWorkersAreForTheSimulator) {
  const auto s = service_of(load_text(with_service("    worker: {poll: 500ms, fetch: 100, crash: 4/h}\n")));
  EXPECT_EQ(s.worker,
            (std::map<std::string, std::string>{{"poll", "500ms"}, {"fetch", "100"}, {"crash", "4/h"}}));
  EXPECT_EQ(
      load_text(with_service("    worker: {poll: often, fetsch: 3}\n")).mistakes,
      (Strings{"f.yaml:6:14: poll=often is not valid: write it like poll=500ms, from 0 to 3600 seconds",
               "f.yaml:6:27: a worker has no 'fetsch', did you mean 'fetch'?; it has " + habits_shown()}));
}

TEST(Load, TellsAFileThatCannotBeRead) {
  const TestFolder folder;
  EXPECT_EQ(load_file("/nowhere/docktor.yaml", {}).mistakes,
            Strings{"/nowhere/docktor.yaml: cannot be read: No such file or directory; name a configuration "
                    "with --config FILE"});
  EXPECT_EQ(
      load_file(folder.path(), {}).mistakes,
      Strings{folder.path() + ": cannot be read: it is a folder; name a configuration with --config FILE"});
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(load_file(folder.file("pipe"), {}).mistakes,
            Strings{folder.file("pipe") +
                    ": cannot be read: it is not a regular file; name a configuration with --config FILE"});
  folder.write("big.yaml", std::string(kMaxYamlBytes + 1, '#'));
  EXPECT_EQ(
      load_file(folder.file("big.yaml"), {}).mistakes,
      Strings{folder.file("big.yaml") +
              ": cannot be read: it is larger than 16384 KiB; name a configuration with --config FILE"});
}

TEST(Load, ShowsThePathAsTypedAndKeepsTheAbsoluteOne) {
  const TestFolder folder;
  folder.write("docktor.yaml", with_service(""));
  const auto good = load_file("./docktor.yaml", {}, {.cwd = folder.path()});
  ASSERT_TRUE(good.config);
  EXPECT_EQ(good.config->shown, "./docktor.yaml");
  EXPECT_EQ(good.config->path, folder.file("docktor.yaml"));
  EXPECT_EQ(good.config->services[0].target.settings.text("directory"), folder.path());

  folder.write("bad.yaml", "nonsense: 1\n");
  EXPECT_EQ(load_file("./bad.yaml", {}, {.cwd = folder.path()}).mistakes[0].substr(0, 15), "./bad.yaml:1:1:");
}

TEST(Load, ResolvesLinksOfTheFolderButNotOfTheFile) {
  const TestFolder folder;
  std::filesystem::create_directory(folder.file("real"));
  folder.write("real/v1.yaml", with_service(""));
  std::filesystem::create_directory_symlink("real", folder.file("link"));
  std::filesystem::create_symlink("v1.yaml", folder.file("real/docktor.yaml"));
  const auto result = load_file(folder.file("link/docktor.yaml"), {});
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->path, folder.file("real/docktor.yaml"));
}

TEST(FindConfig, PrefersYamlOverYml) {
  const TestFolder folder;
  EXPECT_EQ(find_config(folder.path()), std::nullopt);
  folder.write("docktor.yml", "");
  EXPECT_EQ(find_config(folder.path()), folder.file("docktor.yml"));
  folder.write("docktor.yaml", "");
  EXPECT_EQ(find_config(folder.path()), folder.file("docktor.yaml"));
}

// The table allows 10,000 services, so a file of as many fits: plain entries as people write them, no aliases.
TEST(Load, TakesAsManyServicesAsTheTableAllows) {
  std::string text = "services:\n";
  for (int i = 0; i < 10'000; ++i) {
    text += fmt::format(
        R"(  # service {0}, of team {1}, which is called at night when its backlog grows beyond all bounds
  - name: service-with-a-name-of-some-length-{0}
    min_replicas: 1
    max_replicas: 20
    check_interval: 10s
    cooldown_down: 1m
    queue:
      url: nats://nats-1.example.internal:4222,nats://nats-2.example.internal:4222
      stream: STREAM_OF_SERVICE_{0}
      consumer: WORKERS_{0}
      subject: events.of.service.{0}
      user: docktor
      tls: {{}}
    rules:
      scale_up_when:
        - {{metric: queue.backlog, op: ">", value: 500}}
        - {{metric: queue.rate_in, op: ">", value: 200}}
      scale_down_when:
        - {{metric: queue.backlog, op: "<=", value: 100}}
        - {{metric: queue.rate_in, op: "<", value: 150}}
    target:
      kind: process
      command: [/usr/local/bin/worker, --queue, "{0}", --verbose]
      environment: {{A: "1", B: "2", C: "3", D: "4", E: "5", F: "6"}}
)",
        i, i % 7);
  }
  const auto result = load_text(text);
  ASSERT_TRUE(result.config) << result.mistakes.at(0);
  EXPECT_EQ(result.config->services.size(), 10'000U);
}

}  // namespace
}  // namespace docktor
