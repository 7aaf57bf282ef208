// What is refused of queues and targets; mistakes_test.cc has the rest.
#include "tests/config/refused.h"

namespace docktor::mistakes {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Queues, Refused,
    testing::Values(
        Case{"AllMissing",
             with_service("    queue: {kind: nats}\n"),
             {"f.yaml:6:12: consumer is missing in queue; allowed: a text of 1 to 255 characters",
              "f.yaml:6:12: stream is missing in queue; allowed: a text of 1 to 255 characters",
              "f.yaml:6:12: url is missing in queue; allowed: a text of 1 to 4096 characters"}},
        Case{"Null", with_service("    queue:\n"), {"f.yaml:6:5: queue has no value; allowed: a map"}},
        Case{"Kind",
             with_queue("      kind: carrots\n"),
             {"f.yaml:10:13: kind is \"carrots\"; allowed: " + names_of(all_kinds().queues)}},
        Case{"NotJetStream",
             with_queue("      jetstream: false\n"),
             {"f.yaml:10:18: jetstream is \"false\"; allowed: true"}},
        Case{"Url",
             with_service("    queue: {url: \"http://h\", stream: S, consumer: C}\n"),
             {"f.yaml:6:18: url \"http://h\" is not the address of a NATS server: it is no address of NATS; "
              "write "
              "nats://HOST:PORT or tls://HOST:PORT, several with commas between"}},
        Case{"Stream",
             with_service("    queue: {url: h, stream: a.b, consumer: \"c c\"}\n"),
             {"f.yaml:6:29: stream \"a.b\" cannot be a name in NATS; allowed: text without space and . * > / "
              "\\",
              "f.yaml:6:44: consumer \"c c\" cannot be a name in NATS; allowed: text without space and . * > "
              "/ \\"}},
        Case{"DomainAndPrefix",
             with_queue("      domain: hub\n      api_prefix: $JS.hub.API.\n"),
             {"f.yaml:11:7: both domain and api_prefix are written; write one of them: a domain D is the "
              "prefix "
              "$JS.D.API"}},
        Case{"Domain",
             with_queue("      domain: a.b\n"),
             {"f.yaml:10:15: domain \"a.b\" cannot be a name in NATS; allowed: text without space and . * > "
              "/ \\"}},
        Case{"Prefixes",
             with_queue("      api_prefix: a..b\n      advisory_prefix: a.>\n"),
             {"f.yaml:10:19: api_prefix \"a..b\" cannot begin a subject; allowed: words with dots between, "
              "as in "
              "$JS.hub.API",
              "f.yaml:11:24: advisory_prefix \"a.>\" cannot begin a subject; allowed: words with dots "
              "between, as "
              "in $JS.hub.API"}},
        Case{"VariableWithoutBraces",
             with_service("    queue: {url: $NATS_URL, stream: $STREAM, consumer: C}\n"),
             {"f.yaml:6:18: url \"$NATS_URL\" is not the address of a NATS server: a variable is written "
              "${NAME}; "
              "write nats://HOST:PORT or tls://HOST:PORT, several with commas between",
              "f.yaml:6:37: stream \"$STREAM\" begins with $; a variable is written ${NAME}"}},
        Case{"Home",
             with_queue("      creds_file: ~/nats.creds\n"),
             {"f.yaml:10:19: creds_file begins with ~, which only a shell replaces; write ${HOME}"}},
        Case{"Subject",
             with_queue("      subject: a..b\n"),
             {"f.yaml:10:16: subject \"a..b\" cannot be one; allowed: words with dots between, * for one "
              "word, > for all that "
              "follow"}},
        Case{"Metrics",
             with_queue("      metrics: [backlog, queue.lag, rate_inn, size]\n"),
             {"f.yaml:10:37: unknown metric \"rate_inn\" of a queue; did you mean rate_in?",
              "f.yaml:10:47: unknown metric \"size\" of a queue; allowed: backlog, lag, rate_in, rate_out, "
              "num_ack_pending, "
              "num_redelivered, num_waiting, dead, scheduled, consumers, oldest_age"}},
        Case{"MetricsText",
             with_queue("      metrics: backlog\n"),
             {"f.yaml:10:16: metrics is a text; allowed: a list of at most 100 texts"}}),
    [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Targets, Refused,
    testing::Values(
        Case{"NeitherTargetNorComposeFile",
             target(""),
             {"f.yaml:2:5: service \"a\" has neither a target nor a compose_file; write target: {kind: "
              "process, command: [PROGRAM, "
              "ARGUMENT]}, or compose_file: docker-compose.yaml"}},
        Case{"ComposeFileMissing",
             "compose_file: none.yaml\n" + target(""),
             {"f.yaml:1:15: compose_file \"/nowhere/none.yaml\" cannot be read: No such file or directory; "
              "name the Compose file of "
              "the service"}},
        Case{"KindMissing",
             target("    target: {command: [w]}\n"),
             {"f.yaml:2:5: service \"a\" has neither a target nor a compose_file; write target: {kind: "
              "process, command: [PROGRAM, "
              "ARGUMENT]}, or compose_file: docker-compose.yaml",
              "f.yaml:5:14: command is a key of kind process, and this target is of kind compose, which has "
              "compose_file, project; write kind: process, or leave it out"}},
        Case{"KindUnknown",
             target("    target: {kind: proces, command: [w]}\n"),
             {"f.yaml:5:20: kind is \"proces\"; allowed: process, compose, kubernetes; did you mean "
              "process?"}},
        Case{
            "ComposeKeyOfAProcess",
            target("    target: {kind: process, command: [w], project: p}\n"),
            {"f.yaml:5:43: project is a key of kind compose, and this target is of kind process, which has "
             "command, directory, environment, stop_grace_period, ready_after; write kind: compose, or leave "
             "it out"}},
        Case{"CommandMissing",
             target("    target: {kind: process}\n"),
             {"f.yaml:5:13: command is missing in target; allowed: a list of program and arguments, or one "
              "text for /bin/sh -c"}},
        Case{"CommandEmpty",
             target("    target: {kind: process, command: ' '}\n"),
             {"f.yaml:5:38: command is empty; allowed: a list of program and arguments, or one text for "
              "/bin/sh -c"}},
        Case{"CommandNoWords",
             target("    target: {kind: process, command: []}\n"),
             {"f.yaml:5:38: command is a list of 0; allowed: a list of program and arguments, or one text "
              "for /bin/sh -c"}},
        Case{"CommandNull",
             target("    target: {kind: process, command: }\n"),
             {"f.yaml:5:29: command has no value; allowed: a list of program and arguments, or one text for "
              "/bin/sh -c"}},
        Case{"CommandMap",
             target("    target: {kind: process, command: {a: b}}\n"),
             {"f.yaml:5:38: command is a map; allowed: a list of program and arguments, or one text for "
              "/bin/sh -c"}},
        Case{"CommandOfMaps",
             target("    target: {kind: process, command: [w, {a: b}]}\n"),
             {"f.yaml:5:42: an item of command is a map; allowed: a text"}},
        Case{"EnvironmentItem",
             target("    target: {kind: process, command: [w], environment: [A=1, B, A=2]}\n"),
             {"f.yaml:5:62: an item of environment has no =; allowed: NAME=value",
              "f.yaml:5:65: variable \"A\" is written twice; write it once"}},
        Case{"EnvironmentName",
             target("    target: {kind: process, command: [w], environment: {'A B': 1, C: }}\n"),
             {"f.yaml:5:57: \"A B\" cannot name a variable; allowed: letters, digits and _",
              "f.yaml:5:67: variable \"C\" has no value; allowed: a text"}},
        Case{"EnvironmentText",
             target("    target: {kind: process, command: [w], environment: A=1}\n"),
             {"f.yaml:5:56: environment is a text; allowed: a map of NAME: value, or a list of NAME=value"}},
        Case{"GracePeriod",
             target("    target: {kind: process, command: [w], stop_grace_period: -1}\n"),
             {"f.yaml:5:62: stop_grace_period is \"-1\"; allowed: a duration from 0s to 1h; write 10 "
              "(seconds), 500ms, 10s, 2m, 1h "
              "or 1m30s"}},
        Case{"TargetText",
             target("    target: process\n"),
             {"f.yaml:5:13: target is a text; allowed: a map"}}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace docktor::mistakes
