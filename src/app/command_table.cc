#include "app/command_table.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>

#include "api/operations.h"
#include "app/commands.h"
#include "app/version.h"
#include "core/text.h"

namespace docktor {
namespace {

// CLI11 reads numbers as C does, and more: 010 would be 8, 0x10 16, 1'000 1000, and nan lies in every range.
CLI::Validator decimal(const char* shape, bool (*fits)(std::string_view)) {
  return CLI::Validator(
      [shape, fits](std::string& text) {
        return fits(text) ? std::string() : fmt::format("'{}' is not {}", text, shape);
      },
      "");
}

// The option's value as N: a whole number in decimal digits, or with `fraction` a number like 0.5 or 1e3.
CLI::Option* numeric(CLI::Option* option, double least, double most, bool fraction = false) {
  return option
      ->check(fraction ? decimal("a number like 2 or 0.5", is_decimal_number)
                       : decimal("a whole number like 10", is_whole_number))
      ->check(CLI::Validator(
          [least, most](std::string& text) {
            double v = 0;
            std::from_chars(text.data(), text.data() + text.size(), v);
            return v >= least && v <= most ? std::string()
                                           : fmt::format("{} is not from {} to {}", text, least, most);
          },
          ""))
      ->type_name("N");
}

void config_flag(CLI::App& a, Cli& cli) {
  a.add_option("-c,--config", cli.config,
               "The configuration's file (docktor.yaml or docktor.yml of this folder)")
      ->type_name("FILE");
}

void service_flag(CLI::App& a, Cli& cli, const char* text) {
  a.add_option("-s,--service", cli.service, text)->type_name("SERVICE");
}

void named_service(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_option("SERVICE", cli.service, "The service")->required();
}

void for_flag(CLI::App& a, Cli& cli, const char* without) {
  a.add_option("--for", cli.length, fmt::format("How long: {} ({})", kLengths, without))->type_name("TIME");
}

void reason_flag(CLI::App& a, Cli& cli) { a.add_option("--reason", cli.reason, "Why, for the journal"); }

void json_flag(CLI::App& a, Cli& cli, const char* text = "As JSON") { a.add_flag("--json", cli.json, text); }

void model_server_flags(CLI::App& a, Cli& cli) {
  a.add_option("--provider", cli.provider, "dmr or openai (the configuration's)")
      ->check(CLI::IsMember({"dmr", "openai"}));
  a.add_option("--base-url", cli.base_url, "Address of the API (the configuration's, else the provider's)")
      ->type_name("URL");
}

void start_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Scale only this service of the configuration");
  a.add_option("--interval", cli.interval, "check_interval of all services: 10 (seconds), 500ms, 2m")
      ->type_name("TIME");
  a.add_option("--compose-file", cli.compose_file, "The Compose file, instead of the configuration's")
      ->type_name("FILE");
  a.add_flag("--foreground", cli.foreground, "Stay in the foreground, log to stderr (systemd, containers)");
  a.add_flag("--manual", cli.manual, "Decisions become proposals that wait for docktor approve");
  a.add_option("--dry-run", cli.dry_run,
               "Show what would be done and do nothing, for all services or for SERVICE")
      ->type_name("[SERVICE]")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  a.add_flag("--wait-ready", cli.wait_ready, "Fail unless every queue and target answers within 30 s");
}

void stop_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_flag("--replicas", cli.replicas, "Stop the replicas, too, each within its grace period");
}

void status_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Only this service");
  json_flag(a, cli);
}

void logs_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Only the lines of this service");
  numeric(a.add_option("-n,--tail", cli.tail, "Begin with the last N lines (50)"), 0, 1'000'000);
  a.add_flag("--changes", cli.changes, "Leave out what each sample and each hold writes");
  a.add_flag_callback("--no-follow", [&cli] { cli.follow = false; }, "Print what there is and end");
}

void validate_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Only this service");
  a.add_option("--compose-file", cli.compose_file, "The Compose file, instead of the configuration's")
      ->type_name("FILE");
  a.add_flag("--offline", cli.offline, "Check the file alone");
}

void list_models_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  model_server_flags(a, cli);
}

void set_model_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_option("ID", cli.id, "The model, as list-models shows it")->required();
  model_server_flags(a, cli);
}

void explain_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_option("ID", cli.id, "A decision's id, as the table and the journal show it");
  numeric(a.add_option("-n,--tail", cli.tail, "The last N decisions (20)"), 0, 10'000'000);
  service_flag(a, cli, "Only this service");
  a.add_flag("--changes", cli.changes, "Leave out the holds");
  a.add_flag("--json", cli.json, "The journal's records, one a line");
}

void scale_flags(CLI::App& a, Cli& cli) {
  named_service(a, cli);
  numeric(a.add_option("N", cli.count, "How many")->required(), 0, 100'000);
  for_flag(a, cli, "until docktor resume");
  reason_flag(a, cli);
}

void pause_flags(CLI::App& a, Cli& cli) {
  named_service(a, cli);
  for_flag(a, cli, "until docktor resume");
  reason_flag(a, cli);
}

void resume_flags(CLI::App& a, Cli& cli) { named_service(a, cli); }

void bounds_flags(CLI::App& a, Cli& cli) {
  named_service(a, cli);
  auto* min = numeric(a.add_option("MIN", cli.min, "Fewest replicas"), 0, 100'000);
  auto* max = numeric(a.add_option("MAX", cli.max, "Most replicas"), 1, 100'000);
  a.add_flag("--reset", cli.reset, "The configuration's bounds again")->excludes(min)->excludes(max);
  for_flag(a, cli, "until --reset");
}

void proposals_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Only this service's");
  json_flag(a, cli);
}

void approve_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_option("ID", cli.id, "The proposal's id, as `docktor proposals` shows it")->required();
}

void reject_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_option("ID", cli.id, "The proposal's id, as `docktor proposals` shows it")->required();
  reason_flag(a, cli);
}

void mcp_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_flag("--allow-actions", cli.allow_actions,
             "Also tools that act: scale, pause, resume, approve, reject");
}

void top_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_flag("--act", cli.act, "Keys that act, too: pause, resume, scale, approve, reject; each asks once");
}

void savings_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Only this service");
  a.add_option("--last", cli.last, "Over which time: 7d, 24h, 90m (7d)")->type_name("TIME");
  numeric(a.add_option("--capacity", cli.capacity, "Messages per second of a replica (as learned)"), 0.001,
          1e6, true)
      ->type_name("RATE");
  json_flag(a, cli);
}

void test_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_option("CHANNEL", cli.channel, "Only this one of notifications");
  json_flag(a, cli);
}

void web_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  numeric(a.add_option("-p,--port", cli.port, "The port on 127.0.0.1 (any that is free)"), 0, 65'535);
}

void demo_flags(CLI::App& a, Cli& cli) {
  numeric(a.add_option("--seconds", cli.seconds, "How long the load lasts (60)"), 5.0, 3600.0, true);
  a.add_option("--queue", cli.queue,
               "The queue: nats, redis, rabbitmq or kafka, where its server is installed (nats)")
      ->check(CLI::IsMember({"nats", "redis", "rabbitmq", "kafka"}));
}

void decide_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Only this service of the configuration");
}

void simulate_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "The service, where the configuration has several");
  SimulateFlags& sim = cli.simulate;
  a.add_option("--trace", sim.trace, "The load: a file of seconds,rate rows; the last row ends it")
      ->type_name("FILE");
  a.add_option("--shape", sim.shape, "The load: a built-in shape, or constant:RATE; a wrong name lists them")
      ->type_name("NAME");
  a.add_option("--begins", sim.begins,
               "When the load begins, for the service's schedule: 2026-11-30 or \"2026-11-30 08:00\"; "
               "default: today at midnight")
      ->type_name("DATE");
  a.add_option("--from-journal", sim.journal,
               "The load: what the daemon's journal recorded (decisions.jsonl)")
      ->type_name("FILE");
  a.add_option("--policy", sim.policies,
               "Whom to compare, comma-separated: objective, rules, a peer's name, static:N (all but static)")
      ->type_name("NAMES");
  a.add_option("--max-wait", sim.max_wait, "The objective, instead of the configuration's: 5s")
      ->type_name("TIME");
  numeric(a.add_option("--capacity", sim.capacity,
                       "Messages per second of one replica (20, or what the journal learned)"),
          1e-6, 1e9, true)
      ->type_name("RATE");
  a.add_option("--start-up", sim.start_up, "From order to able to work (3s, or what the journal learned)")
      ->type_name("TIME");
  a.add_option("--start-up-deviation", sim.start_up_deviation,
               "The standard deviation of --start-up (a quarter of it)")
      ->type_name("TIME");
  numeric(a.add_option("--cv", sim.cv, "Service times' standard deviation over their mean (0.3)"), 0.0, 10.0,
          true);
  numeric(a.add_option("--prefetch", sim.prefetch, "Messages that a replica holds at most (1)"), 1, 100'000);
  a.add_option("--worker", sim.worker,
               "Habits of the workers: poll=500ms,fetch=100,cv=3,warm_up=30s,crash=4/h,shared=10,"
               "ready_late=2s,ready_early=10s,seen_late=500ms")
      ->type_name("HABITS");
  numeric(a.add_option("--clump", sim.clump, "Messages that come at one instant (1)"), 1, 100'000);
  a.add_flag("--exact", sim.exact, "Evenly spaced arrivals instead of Poisson");
  a.add_option("--fault", sim.faults,
               "What goes wrong, as NAME=VALUE; may be repeated; a wrong name lists them")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE");
  numeric(
      a.add_option("--seeds", sim.seeds, "Runs with different random numbers; their means are shown (10)"), 1,
      1000);
  a.add_flag("--tuned", sim.tuned, "Show each peer also with the best of its twelve settings for this load");
  a.add_flag("--no-optimum", sim.no_optimum, "Leave out the clairvoyant optimum, which takes longest");
  a.add_flag("--details", sim.details, "Show every column, by the letters of the field");
  a.add_option("--report", sim.report, "Write an HTML report to this file")->type_name("FILE");
  a.add_option("--svg", sim.svg, "Write the report's charts to this file")->type_name("FILE");
  a.add_flag("--json", cli.json, "Results as JSON on stdout");
}

void eval_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Only this service");
  numeric(a.add_option("-n,--tail", cli.tail, "The last N recorded changes (50)"), 1, 10'000);
  a.add_option("--journal", cli.journal, "A journal's file (the instance's own)")->type_name("FILE");
  numeric(a.add_option("--capacity", cli.capacity, "Messages per second of a replica (as recorded)"), 0.001,
          1e6, true)
      ->type_name("RATE");
  numeric(a.add_option("--start-up", cli.start_up, "Seconds until a new replica works (as recorded)"), 0.0,
          3600.0, true)
      ->type_name("SECONDS");
  json_flag(a, cli);
}

void talk_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_flag("--autonomous", cli.autonomous, "Act without asking for a yes");
  a.add_flag("--headless", cli.headless, "For scripts: no prompts; requests from stdin, a line each");
  a.add_flag("--debug", cli.debug, "Show on stderr what is called and answered");
  a.add_flag("--no-install", cli.ignored, "Accepted for older scripts; nothing is ever installed");
  a.add_flag("--skip-compose", cli.ignored,
             "Accepted for older scripts; no stack is ever started or stopped");
}

// In the order of the help. A group stands before its commands, and runs nothing.
constexpr std::array kCommands = std::to_array<CommandRow>({
    {"daemon", "Start, stop and watch the daemon", "docktor daemon start --config docktor.yaml", nullptr,
     nullptr},
    {"daemon start", "Start scaling the services of a configuration",
     "docktor daemon start --config examples/nats-multi/docktor.yaml", start_flags, daemon_start_command,
     "Prints what will run, goes to the background, and returns once the daemon is up or has failed with its "
     "reason. A queue that is not there yet is no failure: the daemon holds, says so, and recovers by "
     "itself. In manual mode only the bounds are kept without asking."},
    {"daemon stop", "Stop the daemon; the replicas go on", "docktor daemon stop --replicas", stop_flags,
     daemon_stop_command},
    {"daemon status", "Replicas, observation, last decision, and why nothing happens",
     "docktor daemon status --service consumer", status_flags, daemon_status_command},
    {"daemon logs", "Show the daemon's log and follow it", "docktor daemon logs --tail 100", logs_flags,
     daemon_logs_command, "The times are local."},
    {"daemon reload", "Read the configuration again; a bad one changes nothing", "docktor daemon reload",
     config_flag, daemon_reload_command, "SIGHUP does the same. A bad file is refused with its mistakes."},
    {"config", "Work on a configuration", "docktor config validate --config docktor.yaml", nullptr, nullptr},
    {"config validate", "Check the file, then the queue, stream, consumer and target it names",
     "docktor config validate --offline", validate_flags, config_validate_command},
    {"config schema", "The JSON Schema of a configuration, for editors",
     "docktor config schema > docktor.schema.json", nullptr, config_schema_command,
     "With `# yaml-language-server: $schema=docktor.schema.json` as the first line of docktor.yaml, an "
     "editor tells what may "
     "be written where. What several keys mean together, `docktor config validate` tells."},
    {"config list-models", "The models that the configured server has",
     "docktor config list-models --provider openai --base-url http://localhost:8080/v1", list_models_flags,
     config_list_models_command, "Where nothing answers it says what to start."},
    {"config set-model", "Change llm.model in the file, and nothing but what is named here",
     "docktor config set-model ai/llama3.2", set_model_flags, config_set_model_command,
     "Comments stay. A file that is not valid is refused."},
    {"explain", "The decisions and their reasons; with an ID, every number behind one",
     "docktor explain --tail 5 --service consumer", explain_flags, explain_command,
     "The last decisions are a table."},
    {"scale", "Run N replicas instead of what the policy wants", "docktor scale consumer 3 --for 10m",
     scale_flags, scale_command,
     "It stays within the bounds. The reason is kept in the journal, beside the name of the user who asked."},
    {"pause", "Hold scaling: as many replicas as there are; the bounds are kept",
     "docktor pause consumer --for 10m --reason deploying", pause_flags, pause_command},
    {"resume", "Let the policy decide again: ends pause, scale and a stop by hand", "docktor resume consumer",
     resume_flags, resume_command},
    {"set-bounds", "Override min_replicas and max_replicas", "docktor set-bounds consumer 2 20 --for 1h",
     bounds_flags, set_bounds_command},
    {"proposals", "List proposals waiting for approval", "docktor proposals", proposals_flags,
     proposals_command},
    {"approve", "Approve a proposal", "docktor approve 7f3k2a-12", approve_flags, approve_command},
    {"reject", "End a proposal; the same is not asked again while nothing changes",
     "docktor reject 7f3k2a-12 --reason 'the batch is nearly done'", reject_flags, reject_command},
    {"mcp", "Tools for agents: a Model Context Protocol server on stdin and stdout",
     "docktor mcp --config docktor.yaml --allow-actions", mcp_flags, mcp_command,
     "It asks the daemon that runs, and looks for itself where none does. Each action is journaled with who "
     "asked."},
    {"top", "All services in the terminal, as they change; into a pipe one table", "docktor top --act",
     top_flags, top_command,
     "Those in trouble come first, with how long messages wait, and of the chosen one the last hour, the "
     "last changes with their reasons, and why nothing happens. Keys stand in the last line; `?` shows all. "
     "It looks only, unless `--act` is given."},
    {"savings",
     "What ran, by the journal, beside all replicas all the time, the rules, and other autoscalers",
     "docktor savings --last 24h --service consumer", savings_flags, savings_command,
     "It tells replica-hours and waits; what others would have come to on the same messages is simulated."},
    {"notify", "Whom docktor tells of trouble", "docktor notify test", nullptr, nullptr},
    {"notify test", "Send a test message to the receivers of the configuration; needs no daemon",
     "docktor notify test ops", test_flags, notify_test_command,
     "It says what each answered, and exits with 1 where one did not take the message."},
    {"web", "The page of the daemon, on this host and for you alone", "docktor web --port 8080", web_flags,
     web_command,
     "Serves the page until it is interrupted, and prints its address. The address holds a token of its own: "
     "whoever has it acts as you. The daemon itself opens no port for it."},
    {"demo", "A minute of real scaling: a private server of a queue, producer and workers",
     "docktor demo --queue redis", demo_flags, demo_command,
     "It runs a private server of the queue, a producer with a burst, and local workers that a real daemon "
     "scales; it shows them live and accounts for every message. nats needs nats-server; redis needs "
     "redis-server and python3-redis; rabbitmq needs rabbitmq-server and python3-pika; kafka needs Java, "
     "python3-confluent-kafka and an unpacked Kafka, whose folder is in `KAFKA_HOME` or whose "
     "kafka-server-start.sh is on the PATH."},
    {"decide", "Decide from JSON lines on stdin, a decision a line on stdout; no network, no clock",
     "echo "
     "'{\"t\":1,\"service\":\"consumer\",\"replicas\":{\"current\":1,\"ready\":1},\"queue\":{\"num_"
     "pending\":840,"
     "\"num_ack_pending\":2,\"delivered_consumer_seq\":5120}}' | docktor decide --config docktor.yaml",
     decide_flags, decide_command, "The time is the one that each line carries."},
    {"simulate", "What this configuration, and the known autoscalers, would make of a load, in virtual time",
     "docktor simulate --config docktor.yaml --shape onoff --policy objective,keda --report "
     "out.html",
     simulate_flags, simulate_command,
     "The daemon's own autoscaler runs in virtual time, message by message. One of `--trace`, `--shape` and "
     "`--from-journal` gives the load. The peers that can be compared are keda, hpa, knative, flink, aws, "
     "nomad, laravel, natsbyexample and docktor, the original. Workers may have habits, with commas between: "
     "`poll=500ms` sleeps that long when it has found no message, `fetch=100` takes so many at once, `cv=3` "
     "has jobs of very different length, `warm_up=30s` works at half speed for so long, `crash=4/h` is each "
     "replica's, `shared=10` shares something that carries ten replicas' work, `ready_late=2s` and "
     "`ready_early=10s` count as ready after or before they work, and with `seen_late=500ms` a message can "
     "be taken only after so long."},
    {"eval", "Ask the configured model about recorded situations, and judge its answers by simulation",
     "docktor eval --service consumer --tail 100", eval_flags, eval_command,
     "Its answers are put down as agreed, helped, harmed or clamped, with their latency."},
    {"ai", "Talk with the configured model about what docktor does", "docktor ai up", nullptr, nullptr},
    {"ai up", "Ask and order in words; it acts only after your yes",
     "echo 'why consumer' | docktor chat --headless", talk_flags, chat_command,
     "The model can look up and do what the other commands can."},
    {"chat", "The same as `docktor ai up`", "echo 'why consumer' | docktor chat --headless", talk_flags,
     chat_command},
    {"health", "Exit 0 when the daemon answers (for a HEALTHCHECK)", "docktor health", config_flag,
     health_command},
});

void add_command(CLI::App& program, const CommandRow& row, Cli& cli) {
  const auto blank = row.path.rfind(' ');
  CLI::App& group = blank == std::string_view::npos
                        ? program
                        : *program.get_subcommand(std::string(row.path.substr(0, blank)));
  auto* sub = group.add_subcommand(std::string(row.path.substr(blank + 1)), row.does);  // npos + 1 is 0
  sub->footer(std::string("Example: ") + row.example);
  if (row.flags) row.flags(*sub, cli);
  if (row.run)
    sub->callback([&cli, run = row.run] { cli.run = run; });
  else
    sub->require_subcommand(0, 1);
}

}  // namespace

std::span<const CommandRow> command_table() { return kCommands; }

std::unique_ptr<CLI::App> program_of(Cli& cli) {
  auto program =
      std::make_unique<CLI::App>("docktor keeps the right number of workers running for a queue.", "docktor");
  program->set_version_flag("--version", std::string("docktor ") + kVersion);
  program->set_help_flag("-h,--help", "Show this help");
  program->footer(
      "Examples:\n"
      "  docktor demo                                     a minute of real scaling on this machine\n"
      "  docktor config validate --config docktor.yaml    check the file and the world it names\n"
      "  docktor daemon start --config docktor.yaml       begin to scale\n"
      "  docktor daemon status                            what runs, and why nothing happens\n"
      "  docktor explain --tail 20                        the last decisions with their reasons\n"
      "  docktor pause consumer --for 10m                 hold scaling for a while");
  program->require_subcommand(0, 1);
  for (const auto& row : command_table()) add_command(*program, row, cli);
  return program;
}

}  // namespace docktor
