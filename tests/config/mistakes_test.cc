// What is refused, with the exact words: `file:line:column: what is wrong; what is allowed`.
#include "tests/config/refused.h"

namespace docktor::mistakes {
namespace {

TEST_P(Refused, WithPositionAndCure) {
  const auto result = load_text(GetParam().text);
  EXPECT_FALSE(result.config);
  EXPECT_EQ(result.mistakes, GetParam().mistakes);
}

INSTANTIATE_TEST_SUITE_P(
    Files, Refused,
    testing::Values(
        Case{"Empty", "", {"f.yaml:1:1: the configuration is empty; write services: with a list"}},
        Case{"Comment", "# only\n", {"f.yaml:1:1: the configuration is empty; write services: with a list"}},
        Case{"List", "- a\n", {"f.yaml:1:1: the configuration is not a map; write services: with a list"}},
        Case{"Text", "hello\n", {"f.yaml:1:1: the configuration is not a map; write services: with a list"}},
        Case{"NoServices",
             "version: 1\n",
             {"f.yaml:1:1: there is no service; write services: with a list, or the legacy service: and "
              "scaling:"}},
        Case{"ServicesEmpty",
             "services: []\n",
             {"f.yaml:1:11: services is a list of 0; allowed: a list of 1 to 10000 maps"}},
        Case{"ServicesNull",
             "version: 1\nservices:\n",
             {"f.yaml:2:1: services has no value; allowed: a list of 1 to 10000 maps"}},
        Case{"ServicesMap",
             "services: {a: {}}\n",
             {"f.yaml:1:11: services is a map; allowed: a list of 1 to 10000 maps"}},
        Case{"ServiceIsText",
             "services: [web]\n",
             {"f.yaml:1:12: an item of services is a text; allowed: a map"}},
        Case{"Version", "version: 2\n" + with_service(""), {"f.yaml:1:10: version is \"2\"; allowed: 1"}},
        Case{"TopKeyMisspelt",
             "servces: []\n" + with_service(""),
             {"f.yaml:1:1: unknown key \"servces\" in the configuration; did you mean services?"}},
        Case{"TopKeyUnknown",
             "frobnicate: 1\n" + with_service(""),
             {std::string("f.yaml:1:1: unknown key \"frobnicate\" in the configuration; ") + kTopKeys}},
        Case{"TopKeyOfAService",
             "max_replicas: 1\n" + with_service(""),
             {"f.yaml:1:1: unknown key \"max_replicas\" in the configuration; it is services[].max_replicas "
              "or services[].schedule[].max_replicas"}},
        Case{"KeyOfTwoPlaces",
             flow("name: a, max_replicas: 1, kind: process", kRest),
             {"f.yaml:2:32: unknown key \"kind\" in service \"a\"; it is services[].queue.kind or "
              "services[].target.kind"}},
        Case{"TwoForms",
             "service: a\nscaling: {}\n" + with_service(""),
             {"f.yaml:1:1: service at the top is of the legacy form and has no effect beside services; write "
              "it in a service, or "
              "leave it out",
              "f.yaml:2:1: scaling at the top is of the legacy form and has no effect beside services; write "
              "it in a service, or "
              "leave it out"}},
        Case{"SameNameTwice",
             "services:\n  - &a {name: a, max_replicas: 1, " + kRest +
                 "}\n  - {<<: *a, max_replicas: 2, name: a}\n",
             {"f.yaml:3:37: service \"a\" is written twice, first at line 2; names must differ"}},
        Case{"Syntax",
             "services:\n  - name: a\n   max_replicas: 1\n",
             {"f.yaml:3:4: not valid YAML: end of sequence not found; the items of one list stand in one "
              "column, each behind \"- \""}},
        Case{
            "UnsetVariable",
            flow("name: \"${WHO}\", max_replicas: 1", kRest),
            {"f.yaml:2:12: name: the environment variable WHO is not set; set it, or write ${WHO:-default}"}},
        Case{"NulCharacter",
             flow("name: \"a\\0\", max_replicas: 1", kRest),
             {"f.yaml:2:12: name has a NUL character; allowed: text"}}),
    [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Services, Refused,
    testing::Values(
        Case{"NameMissing",
             flow("max_replicas: 1", kRest),
             {"f.yaml:2:5: name is missing in a service; allowed: a text of 1 to 100 characters"}},
        Case{"NameEmpty",
             flow("name: '', max_replicas: 1", kRest),
             {"f.yaml:2:12: name is \"\"; allowed: a text of 1 to 100 characters"}},
        Case{"NameNull",
             flow("name: , max_replicas: 1", kRest),
             {"f.yaml:2:6: name has no value; allowed: a text of 1 to 100 characters"}},
        Case{"NameWithPath",
             flow("name: ../x, max_replicas: 1", kRest),
             {"f.yaml:2:12: \"../x\" cannot name a service; allowed: letters, digits and _ - ., a letter or "
              "digit first"}},
        Case{"MaxMissing",
             flow("name: a", kRest),
             {std::string("f.yaml:2:5: max_replicas is missing in service \"a\"") + kInteger}},
        Case{"MaxMisspelt",
             flow("name: a, max_replica: 1", kRest),
             {"f.yaml:2:15: unknown key \"max_replica\" in service \"a\"; did you mean max_replicas?"}},
        Case{"MaxBelowMin",
             flow("name: a, min_replicas: 5, max_replicas: 2", kRest),
             {"f.yaml:2:46: max_replicas is 2, below min_replicas 5; allowed: max_replicas of 5 or more"}},
        Case{"MaxZero",
             flow("name: a, min_replicas: 1, max_replicas: 0", kRest),
             {std::string("f.yaml:2:46: max_replicas is \"0\"") + kInteger}},
        Case{"MaxNegative",
             flow("name: a, max_replicas: -3", kRest),
             {std::string("f.yaml:2:29: max_replicas is \"-3\"") + kInteger}},
        Case{"MaxAbsurd",
             flow("name: a, max_replicas: 1e9", kRest),
             {std::string("f.yaml:2:29: max_replicas is \"1e9\"") + kInteger}},
        Case{"MaxHuge",
             flow("name: a, max_replicas: 999999999999999999999", kRest),
             {std::string("f.yaml:2:29: max_replicas is \"999999999999999999999\"") + kInteger}},
        Case{"MaxText",
             flow("name: a, max_replicas: ten", kRest),
             {std::string("f.yaml:2:29: max_replicas is \"ten\"") + kInteger}},
        Case{"MaxFraction",
             flow("name: a, max_replicas: 2.5", kRest),
             {std::string("f.yaml:2:29: max_replicas is \"2.5\"") + kInteger}},
        Case{"MaxList",
             flow("name: a, max_replicas: [1]", kRest),
             {std::string("f.yaml:2:29: max_replicas is a list") + kInteger}},
        Case{"MaxNull",
             flow("name: a, max_replicas: ~", kRest),
             {std::string("f.yaml:2:15: max_replicas has no value") + kInteger}},
        Case{"MinNegative",
             flow("name: a, min_replicas: -1, max_replicas: 1", kRest),
             {"f.yaml:2:29: min_replicas is \"-1\"; allowed: a whole number from 0 to 100000"}},
        Case{"MinZeroWithoutQueue",
             flow("name: a, min_replicas: 0, max_replicas: 1", kRest),
             {"f.yaml:2:29: min_replicas is 0 without a queue, and nothing else can wake the service; add "
              "queue:; allowed without: "
              "1 or more"}},
        Case{"StepZero",
             flow("name: a, max_replicas: 2, scale_up_by: 0", kRest),
             {std::string("f.yaml:2:45: scale_up_by is \"0\"") + kInteger}},
        Case{"IntervalZero",
             flow("name: a, max_replicas: 2, check_interval: 0", kRest),
             {"f.yaml:2:48: check_interval is \"0\"; allowed: a duration from 10ms to 1h"}},
        Case{"CooldownTooLong",
             flow("name: a, max_replicas: 2, cooldown_up: 25h", kRest),
             {"f.yaml:2:45: cooldown_up is \"25h\"; allowed: a duration from 0s to 24h"}},
        Case{"SampleLongerThanCheck",
             flow("name: a, max_replicas: 2, check_interval: 1s, sample_interval: 2s", kRest),
             {"f.yaml:2:69: sample_interval is 2s, longer than check_interval 1s; allowed: sample_interval "
              "of 1s or less"}},
        Case{
            "WindowOfTooManySamples",
            flow("name: a, max_replicas: 2, sample_interval: 10ms, metrics_window: 1m", kRest),
            {"f.yaml:2:71: metrics_window is 1m, more than 4095 samples of 10ms; allowed: 40s950ms or less"}},
        Case{"NeitherRulesNorObjective",
             flow("name: a, max_replicas: 2", "target: {kind: process, command: [w]}"),
             {"f.yaml:2:5: service \"a\" has neither rules nor an objective; write rules: or objective:"}},
        Case{"KeyOfRulesInService",
             flow("name: a, max_replicas: 2, scale_up_when: []", kRest),
             {"f.yaml:2:32: unknown key \"scale_up_when\" in service \"a\"; it is "
              "services[].rules.scale_up_when"}},
        Case{"ObjectiveWithoutQueue",
             flow("name: a, max_replicas: 2, objective: {}", "target: {kind: process, command: [w]}"),
             {"f.yaml:2:32: an objective needs a queue, whose messages wait; add queue: to the service"}},
        Case{"ObjectiveOutOfBounds",
             with_queue("    objective: {max_wait: 0, quantile: 1}\n"),
             {"f.yaml:10:27: max_wait is \"0\"; allowed: a duration from 10ms to 24h",
              "f.yaml:10:40: quantile is \"1\"; allowed: a number from 0.5 to 0.9999"}},
        Case{"RulesModeAlone",
             flow("name: a, max_replicas: 2, rules_mode: veto", kRest),
             {"f.yaml:2:32: rules_mode says how rules act beside an objective; write both, or leave it out"}},
        Case{"RulesModeUnknown",
             flow("name: a, max_replicas: 2, rules_mode: flor", kRest),
             {"f.yaml:2:44: rules_mode is \"flor\"; allowed: floor, veto; did you mean floor?"}}),
    [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Rules, Refused,
    testing::Values(
        Case{"MetricUnknown",
             rule("{metric: cpu.avrg, op: '>', value: 1}"),
             {"f.yaml:7:20: unknown metric \"cpu.avrg\"; did you mean cpu.avg?"}},
        Case{"MetricStrange",
             rule("{metric: temperature, op: '>', value: 1}"),
             {"f.yaml:7:20: unknown metric \"temperature\"; allowed: queue.backlog, queue.lag, "
              "queue.rate_in, queue.rate_out, "
              "queue.num_ack_pending, queue.num_redelivered, queue.num_waiting, queue.dead, queue.scheduled, "
              "queue.consumers, queue.oldest_age, cpu.avg, "
              "cpu.min, cpu.max, "
              "cpu.limit_pct, mem.used, mem.limit_pct"}},
        Case{"MetricMissing",
             rule("{op: '>', value: 1}"),
             {"f.yaml:7:11: metric is missing in a rule; allowed: a text of 1 to 100 characters"}},
        Case{"QueueMetricWithoutQueue",
             rule("{metric: queue.backlog, op: '>', value: 1}"),
             {"f.yaml:7:20: nothing delivers queue.backlog without a queue; add queue: to the service"}},
        Case{"MetricThatTheQueueDoesNotTell",
             "services:\n  - name: a\n    max_replicas: 2\n    target: {kind: process, command: [w]}\n"
             "    queue: {url: 'nats://h', stream: S, consumer: C}\n"
             "    rules: {scale_up_when: [{metric: queue.consumers, op: '>', value: 1}]}\n",
             {"f.yaml:6:38: a queue of kind nats does not tell queue.consumers; it tells queue.backlog, "
              "queue.lag, "
              "queue.rate_in, queue.rate_out, queue.num_ack_pending, queue.num_redelivered, "
              "queue.num_waiting, "
              "queue.dead"}},
        Case{
            "RateWithoutTheManagementApi",
            rabbit("management: off", "rules: {scale_up_when: [{metric: queue.rate_in, op: '>', value: 1}]}"),
            {"f.yaml:6:38: a queue of kind rabbitmq does not tell queue.rate_in with management: off; it "
             "tells "
             "queue.backlog, queue.consumers"}},
        Case{"ObjectiveWithoutTheManagementApi",
             rabbit("management: off", "objective: {max_wait: 5s}"),
             {"f.yaml:6:5: an objective needs to know how many messages come and go, or how many the workers "
              "have in "
              "hand, and a queue of kind rabbitmq tells neither with management: off; write rules (on "
              "queue.backlog) in its place"}},
        Case{"KeyOfAnotherKind",
             rabbit("domain: S", "objective: {max_wait: 5s}"),
             {"f.yaml:5:46: domain is a key of kind nats, and this queue is of kind rabbitmq, which has "
              "queue, vhost, "
              "management, management_url, tls_verify; write kind: nats, or leave it out"}},
        Case{"TlsOnAPlainAddress",
             rabbit("tls_verify: false", "objective: {max_wait: 5s}"),
             {"f.yaml:5:58: the address is not encrypted; write amqps:// in url, or leave "
              "tls out"}},
        Case{"TwoUsers",
             rabbit("url: 'amqp://u:hidden@h', user: v, management: required", "objective: {max_wait: 5s}",
                    ""),
             {"f.yaml:5:61: two users, the one within url and user; write one of them"}},
        Case{"AddressThatIsNone",
             rabbit("url: 'amqp://u:hid@den@h:x'", "objective: {max_wait: 5s}", ""),
             {"f.yaml:5:34: url cannot be an address; allowed: amqp://user:password@host:5672/vhost, with @ "
              ": / within "
              "user, password or vhost written %40 %3A %2F"}},
        Case{"LimitOfAProcess",
             rule("{metric: mem.limit_pct, op: '>', value: 1}"),
             {"f.yaml:7:20: nothing delivers mem.limit_pct of a target of kind process, whose replicas have "
              "no "
              "limit; use cpu.avg, cpu.min, cpu.max or mem.used"}},
        Case{"OpUnknown",
             rule("{metric: cpu.avg, op: '=>', value: 1}"),
             {"f.yaml:7:33: op is \"=>\"; allowed: >, >=, <, <=, ==, !="}},
        Case{"OpMissing",
             rule("{metric: cpu.avg, value: 1}"),
             {"f.yaml:7:11: op is missing in a rule; allowed: >, >=, <, <=, ==, !="}},
        Case{"OpBareGreater",
             rule("metric: cpu.avg\n          op: >\n          value: 1"),
             {"f.yaml:8:15: op is a block of text, as a bare > begins one in YAML; write \">\" in quotes"}},
        Case{"OpBareNotEqual",
             rule("metric: cpu.avg\n          op: !=\n          value: 1"),
             {"f.yaml:8:15: op is \"\"; allowed: >, >=, <, <=, ==, !=",
              "f.yaml:8:15: unknown YAML tag \"!=\"; write a text that begins with ! in quotes"}},
        Case{"ValueText",
             rule("{metric: cpu.avg, op: '>', value: high}"),
             {"f.yaml:7:45: value is \"high\"; allowed: a number"}},
        Case{"ValueNan",
             rule("{metric: cpu.avg, op: '>', value: nan}"),
             {"f.yaml:7:45: value is \"nan\"; allowed: a number"}},
        Case{"ValueInfinite",
             rule("{metric: cpu.avg, op: '>', value: .inf}"),
             {"f.yaml:7:45: value is \".inf\"; allowed: a number"}},
        Case{"ValuePercent",
             rule("{metric: cpu.avg, op: '>', value: 80%}"),
             {"f.yaml:7:45: value is \"80%\"; allowed: a number"}},
        Case{"ValueMissing",
             rule("{metric: cpu.avg, op: '>'}"),
             {"f.yaml:7:11: value is missing in a rule; allowed: a number"}},
        Case{"KeyUnknown",
             rule("{metric: cpu.avg, op: '>', value: 1, threshold: 2}"),
             {"f.yaml:7:48: unknown key \"threshold\" in a rule; allowed: metric, op, value"}},
        Case{"NotAMap",
             rule("cpu.avg > 80"),
             {"f.yaml:7:11: an item of scale_up_when is a text; allowed: a map"}},
        Case{"NoRule",
             target("    target: {kind: process, command: [w]}\n  - name: b\n    max_replicas: 1\n    "
                    "target: {kind: "
                    "process, command: [w]}\n    rules: {scale_up_when: []}\n"),
             {"f.yaml:9:12: rules has no rule; write scale_up_when, scale_down_when or both"}},
        Case{"RulesNull",
             "services:\n  - name: b\n    max_replicas: 1\n    target: {kind: process, command: [w]}\n    "
             "rules:\n",
             {"f.yaml:5:5: rules has no value; allowed: a map"}},
        Case{"RulesList",
             "services:\n  - name: b\n    max_replicas: 1\n    target: {kind: process, command: [w]}\n    "
             "rules: [a]\n",
             {"f.yaml:5:12: rules is a list of 1; allowed: a map"}}),
    [](const auto& info) { return std::string(info.param.name); });

const char* const kLegacyTarget = "target: {kind: process, command: [w]}\n";

INSTANTIATE_TEST_SUITE_P(
    LegacyAndLlm, Refused,
    testing::Values(
        Case{"NoScaling",
             std::string("service: w\n") + kLegacyTarget,
             {"f.yaml:1:1: scaling is missing beside service; write scaling: with cpu_high, cpu_low and "
              "max_replicas"}},
        Case{"NoService",
             std::string("scaling: {cpu_high: 75, max_replicas: 2}\n") + kLegacyTarget,
             {"f.yaml:1:1: service is missing beside scaling; write service: NAME"}},
        Case{"NoThreshold",
             std::string("service: w\nscaling: {max_replicas: 2}\n") + kLegacyTarget,
             {"f.yaml:2:10: scaling has neither cpu_high nor cpu_low; write one or both, in percent of one "
              "core"}},
        Case{"Crossed",
             std::string("service: w\nscaling: {cpu_high: 20, cpu_low: 75, max_replicas: 2}\n") +
                 kLegacyTarget,
             {"f.yaml:2:34: cpu_low is 75, not below cpu_high 20, and the service would go up and down for "
              "ever; allowed: less "
              "than 20"}},
        Case{"MinZero",
             std::string("service: w\nscaling: {cpu_high: 20, min_replicas: 0, max_replicas: 2}\n") +
                 kLegacyTarget,
             {"f.yaml:2:25: min_replicas is 0 without a queue, and nothing else can wake the service; "
              "allowed: 1 or more"}},
        Case{
            "KeyMisspelt",
            std::string("service: w\nscaling: {cpu_hihg: 20, cpu_low: 1, max_replicas: 2}\n") + kLegacyTarget,
            {"f.yaml:2:11: unknown key \"cpu_hihg\" in scaling; did you mean cpu_high?"}},
        Case{"Llm",
             "llm: {provider: gpt, base_url: ftp://x, modell: m}\n" + with_service(""),
             {"f.yaml:1:17: provider is \"gpt\"; allowed: dmr, openai",
              "f.yaml:1:32: base_url is not a web address; write http://HOST:PORT/PATH or https://HOST/PATH",
              "f.yaml:1:41: unknown key \"modell\" in llm; did you mean model?"}},
        Case{"LlmNoModel",
             "llm: {}\n" + with_service(""),
             {"f.yaml:1:6: model is missing in llm; allowed: a text of 1 to 255 characters"}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Refused, AllMistakesAtOnceInOrderOfPosition) {
  const auto result = load_text(R"(version: 9
services:
  - name: a
    max_replicas: 0
    min_replicas: x
    queue: {url: "nats://h", stream: S, consumer: C, strem: T}
    target: {kind: process}
    rules: {scale_up_when: [{metric: queue.backlg, op: "~", value: ""}]}
)");
  EXPECT_EQ(result.mistakes,
            (Strings{"f.yaml:1:10: version is \"9\"; allowed: 1",
                     "f.yaml:4:19: max_replicas is \"0\"; allowed: a whole number from 1 to 100000",
                     "f.yaml:5:19: min_replicas is \"x\"; allowed: a whole number from 0 to 100000",
                     "f.yaml:6:54: unknown key \"strem\" in queue; did you mean stream?",
                     std::string("f.yaml:7:13: command is missing in target; allowed: ") + kCommand,
                     "f.yaml:8:38: unknown metric \"queue.backlg\"; did you mean queue.backlog?",
                     "f.yaml:8:56: op is \"~\"; allowed: >, >=, <, <=, ==, !=",
                     "f.yaml:8:68: value is \"\"; allowed: a number"}));
}

TEST(Refused, TooManyServices) {
  std::string text = "services:\n";
  for (int i = 0; i < 10'001; ++i) text += "- {}\n";
  EXPECT_EQ(load_text(text).mistakes,
            Strings{"f.yaml:2:1: services is a list of 10001; allowed: a list of 1 to 10000 maps"});
}

}  // namespace
}  // namespace docktor::mistakes
