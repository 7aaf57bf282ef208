#include "app/command_table.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>

#include "api/operations.h"
#include "app/commands.h"
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
               "The configuration's file (docktor.yaml or docktor.yml of this folder)");
}

void service_flag(CLI::App& a, Cli& cli, const char* text) {
  a.add_option("-s,--service", cli.service, text);
}

void named_service(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  a.add_option("SERVICE", cli.service, "The service")->required();
}

void for_flag(CLI::App& a, Cli& cli, const char* without) {
  a.add_option("--for", cli.length, fmt::format("How long: {} ({})", kLengths, without));
}

void reason_flag(CLI::App& a, Cli& cli) { a.add_option("--reason", cli.reason, "Why, for the journal"); }

void json_flag(CLI::App& a, Cli& cli, const char* text = "As JSON") { a.add_flag("--json", cli.json, text); }

void model_server_flags(CLI::App& a, Cli& cli) {
  a.add_option("--provider", cli.provider, "dmr or openai (the configuration's)")
      ->check(CLI::IsMember({"dmr", "openai"}));
  a.add_option("--base-url", cli.base_url, "Address of the API (the configuration's, else the provider's)");
}

void start_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Scale only this service of the configuration");
  a.add_option("--interval", cli.interval, "check_interval of all services: 10 (seconds), 500ms, 2m");
  a.add_option("--compose-file", cli.compose_file, "The Compose file, instead of the configuration's");
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
  a.add_option("--compose-file", cli.compose_file, "The Compose file, instead of the configuration's");
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
  a.add_option("--last", cli.last, "Over which time: 7d, 24h, 90m (7d)");
  numeric(a.add_option("--capacity", cli.capacity, "Messages per second of a replica (as learned)"), 0.001,
          1e6, true);
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
  a.add_option("--trace", sim.trace, "The load: a file of seconds,rate rows; the last row ends it");
  a.add_option("--shape", sim.shape, "The load: a built-in shape, or constant:RATE; a wrong name lists them");
  a.add_option("--begins", sim.begins,
               "When the load begins, for the service's schedule: 2026-11-30 or \"2026-11-30 08:00\"; "
               "default: today at midnight");
  a.add_option("--from-journal", sim.journal,
               "The load: what the daemon's journal recorded (decisions.jsonl)");
  a.add_option(
      "--policy", sim.policies,
      "Whom to compare, comma-separated: objective, rules, a peer's name, static:N (all but static)");
  a.add_option("--max-wait", sim.max_wait, "The objective, instead of the configuration's: 5s");
  numeric(a.add_option("--capacity", sim.capacity,
                       "Messages per second of one replica (20, or what the journal learned)"),
          1e-6, 1e9, true);
  a.add_option("--start-up", sim.start_up, "From order to able to work (3s, or what the journal learned)");
  a.add_option("--start-up-deviation", sim.start_up_deviation, "Its standard deviation (a quarter of it)");
  numeric(a.add_option("--cv", sim.cv, "Service times' standard deviation over their mean (0.3)"), 0.0, 10.0,
          true);
  numeric(a.add_option("--prefetch", sim.prefetch, "Messages that a replica holds at most (1)"), 1, 100'000);
  a.add_option("--worker", sim.worker,
               "Habits of the workers: poll=500ms,fetch=100,cv=3,warm_up=30s,crash=4/h,shared=10,"
               "ready_late=2s,ready_early=10s,seen_late=500ms");
  numeric(a.add_option("--clump", sim.clump, "Messages that come at one instant (1)"), 1, 100'000);
  a.add_flag("--exact", sim.exact, "Evenly spaced arrivals instead of Poisson");
  a.add_option("--fault", sim.faults,
               "What goes wrong, as NAME=VALUE; may be repeated; a wrong name lists them")
      ->allow_extra_args(false);
  numeric(
      a.add_option("--seeds", sim.seeds, "Runs with different random numbers; their means are shown (10)"), 1,
      1000);
  a.add_flag("--tuned", sim.tuned, "Show each peer also with the best of its twelve settings for this load");
  a.add_flag("--no-optimum", sim.no_optimum, "Leave out the clairvoyant optimum, which takes longest");
  a.add_flag("--details", sim.details, "Show every column, by the letters of the field");
  a.add_option("--report", sim.report, "Write an HTML report to this file");
  a.add_option("--svg", sim.svg, "Write the report's charts to this file");
  a.add_flag("--json", cli.json, "Results as JSON on stdout");
}

void eval_flags(CLI::App& a, Cli& cli) {
  config_flag(a, cli);
  service_flag(a, cli, "Only this service");
  numeric(a.add_option("-n,--tail", cli.tail, "The last N recorded changes (50)"), 1, 10'000);
  a.add_option("--journal", cli.journal, "A journal's file (the instance's own)");
  numeric(a.add_option("--capacity", cli.capacity, "Messages per second of a replica (as recorded)"), 0.001,
          1e6, true);
  numeric(a.add_option("--start-up", cli.start_up, "Seconds until a new replica works (as recorded)"), 0.0,
          3600.0, true);
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
     "docktor daemon start --config examples/nats-multi/docktor.yaml", start_flags, daemon_start_command},
    {"daemon stop", "Stop the daemon; the replicas go on", "docktor daemon stop --replicas", stop_flags,
     daemon_stop_command},
    {"daemon status", "Replicas, observation, last decision, and why nothing happens",
     "docktor daemon status --service consumer", status_flags, daemon_status_command},
    {"daemon logs", "Show the daemon's log and follow it", "docktor daemon logs --tail 100", logs_flags,
     daemon_logs_command},
    {"daemon reload", "Read the configuration again; a bad one changes nothing", "docktor daemon reload",
     config_flag, daemon_reload_command},
    {"config", "Work on a configuration", "docktor config validate --config docktor.yaml", nullptr, nullptr},
    {"config validate", "Check the file, then the queue, stream, consumer and target it names",
     "docktor config validate --offline", validate_flags, config_validate_command},
    {"config list-models", "The models that the configured server has",
     "docktor config list-models --provider openai --base-url http://localhost:8080/v1", list_models_flags,
     config_list_models_command},
    {"config set-model", "Change llm.model in the file, and nothing but what is named here",
     "docktor config set-model ai/llama3.2", set_model_flags, config_set_model_command},
    {"explain", "The decisions and their reasons; with an ID, every number behind one",
     "docktor explain --tail 5 --service consumer", explain_flags, explain_command},
    {"scale", "Run N replicas instead of what the policy wants", "docktor scale consumer 3 --for 10m",
     scale_flags, scale_command},
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
     "docktor mcp --config docktor.yaml --allow-actions", mcp_flags, mcp_command},
    {"top", "All services in the terminal, as they change; into a pipe one table", "docktor top --act",
     top_flags, top_command},
    {"savings",
     "What ran, by the journal, beside all replicas all the time, the rules, and other autoscalers",
     "docktor savings --last 24h --service consumer", savings_flags, savings_command},
    {"notify", "Whom docktor tells of trouble", "docktor notify test", nullptr, nullptr},
    {"notify test", "Send a test message to the receivers of the configuration; needs no daemon",
     "docktor notify test ops", test_flags, notify_test_command},
    {"web", "The page of the daemon, on this host and for you alone", "docktor web --port 8080", web_flags,
     web_command},
    {"demo", "A minute of real scaling: a private server of a queue, producer and workers",
     "docktor demo --queue redis", demo_flags, demo_command},
    {"decide", "Decide from JSON lines on stdin, a decision a line on stdout; no network, no clock",
     "echo "
     "'{\"t\":1,\"service\":\"consumer\",\"replicas\":{\"current\":1,\"ready\":1},\"queue\":{\"num_"
     "pending\":840,"
     "\"num_ack_pending\":2,\"delivered_consumer_seq\":5120}}' | docktor decide --config docktor.yaml",
     decide_flags, decide_command},
    {"simulate", "What this configuration, and the known autoscalers, would make of a load, in virtual time",
     "docktor simulate --config docktor.yaml --shape onoff --policy objective,keda --report "
     "out.html",
     simulate_flags, simulate_command},
    {"eval", "Ask the configured model about recorded situations, and judge its answers by simulation",
     "docktor eval --service consumer --tail 100", eval_flags, eval_command},
    {"ai", "Talk with the configured model about what docktor does", "docktor ai up", nullptr, nullptr},
    {"ai up", "Ask and order in words; it acts only after your yes",
     "echo 'why consumer' | docktor chat --headless", talk_flags, chat_command},
    {"chat", "The same as `docktor ai up`", "echo 'why consumer' | docktor chat --headless", talk_flags,
     chat_command},
    {"health", "Exit 0 when the daemon answers (for a HEALTHCHECK)", "docktor health", config_flag,
     health_command},
});

}  // namespace

std::span<const CommandRow> command_table() { return kCommands; }

}  // namespace docktor
