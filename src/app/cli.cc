#include "app/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "app/version.h"
#include "core/text.h"

namespace docktor {
namespace {

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> names_of_flags(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options({})) {
    for (const auto& l : o->get_lnames()) names.push_back("--" + l);
    for (const auto& s : o->get_snames()) names.push_back("-" + s);
  }
  return names;
}

// The deepest command that was given, to which a mistake belongs.
const CLI::App& deepest(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

std::string path_of(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent ? path_of(*parent) + " " + app.get_name() : app.get_name();
}

// The command, this one or one within it, that has such a flag; nullptr where none has it.
const CLI::App* command_with(const std::string& flag, const CLI::App& at) {
  if (std::ranges::count(names_of_flags(at), flag) > 0) return &at;
  for (const CLI::App* sub : at.get_subcommands({})) {
    if (const auto* found = command_with(flag, *sub)) return found;
  }
  return nullptr;
}

// The command of that name below another one: who types `docktor status` means `docktor daemon status`.
const CLI::App* below(const std::string& name, const CLI::App& at) {
  for (const CLI::App* sub : at.get_subcommands({})) {
    for (const CLI::App* one : sub->get_subcommands({})) {
      if (one->get_name() == name) return one;
    }
  }
  return nullptr;
}

std::string suggestion(const std::string& word, const CLI::App& at) {
  if (const auto* command = below(word, at)) return fmt::format("; did you mean '{}'?", path_of(*command));
  const auto all = word.starts_with("-") ? names_of_flags(at) : names_of(at);
  const std::vector<std::string_view> views(all.begin(), all.end());
  const auto near = did_you_mean(word.substr(0, word.find('=')), views);
  return near ? fmt::format("; did you mean '{}'?", *near) : "";
}

// What is wrong with a word that nothing takes.
std::string unexpected(const std::string& word, const CLI::App& at) {
  if (word.starts_with("-")) {
    const std::string flag = word.substr(0, word.find('='));
    if (const auto* command = command_with(flag, at)) {
      return fmt::format("'{}' stands behind the command it is for, as in '{} {} ...'", flag,
                         path_of(*command), flag);
    }
  }
  return fmt::format("{} '{}'{}",
                     word.starts_with("-")            ? "unknown flag"
                     : at.get_subcommands({}).empty() ? "unexpected word"
                                                      : "unknown command",
                     word, suggestion(word, at));
}

// "Usage: docktor daemon start [OPTIONS]": the command as it is typed.
std::string help_of(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return app.help(parent ? path_of(*parent) : std::string());
}

int complain_at(const std::string& what, const CLI::App& at) {
  fmt::print(stderr, "docktor: {}\nTry '{} --help'.\n", what, path_of(at));
  return kExitUsage;
}

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

}  // namespace

Parsed parse_command_line(int argc, const char* const* argv) {
  Parsed out;
  Cli& cli = out.cli;
  std::error_code no_folder;
  cli.cwd = std::filesystem::current_path(no_folder).string();
  CLI::App app("docktor keeps the right number of workers running for a queue.", "docktor");
  app.set_version_flag("--version", std::string("docktor ") + kVersion);
  app.set_help_flag("-h,--help", "Show this help");
  app.footer(
      "Examples:\n"
      "  docktor demo                                     a minute of real scaling on this machine\n"
      "  docktor config validate --config docktor.yaml    check the file and the world it names\n"
      "  docktor daemon start --config docktor.yaml       begin to scale\n"
      "  docktor daemon status                            what runs, and why nothing happens\n"
      "  docktor explain --tail 20                        the last decisions with their reasons\n"
      "  docktor pause consumer --for 10m                 hold scaling for a while");
  app.require_subcommand(0, 1);
  bool unused = false;

  const auto on = [&](CLI::App* sub, Command command) {
    sub->callback([&cli, command] { cli.command = command; });
  };
  const auto config = [&](CLI::App* sub) {
    sub->add_option("-c,--config", cli.config,
                    "The configuration's file (docktor.yaml or docktor.yml of this folder)");
  };
  const auto service = [&](CLI::App* sub, const char* text) {
    sub->add_option("-s,--service", cli.service, text);
  };

  auto* daemon = app.add_subcommand("daemon", "Start, stop and watch the daemon");
  daemon->require_subcommand(0, 1);
  daemon->footer("Example: docktor daemon start --config docktor.yaml");
  auto* start = daemon->add_subcommand("start", "Start scaling the services of a configuration");
  config(start);
  service(start, "Scale only this service of the configuration");
  start->add_option("--interval", cli.interval, "check_interval of all services: 10 (seconds), 500ms, 2m");
  start->add_option("--compose-file", cli.compose_file, "The Compose file, instead of the configuration's");
  start->add_flag("--foreground", cli.foreground,
                  "Stay in the foreground, log to stderr (systemd, containers)");
  start->add_flag("--manual", cli.manual, "Decisions become proposals that wait for docktor approve");
  start
      ->add_option("--dry-run", cli.dry_run,
                   "Show what would be done and do nothing, for all services or for SERVICE")
      ->type_name("[SERVICE]")
      ->expected(0, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  start->add_flag("--wait-ready", cli.wait_ready, "Fail unless every queue and target answers within 30 s");
  start->footer("Example: docktor daemon start --config examples/nats-multi/docktor.yaml");
  on(start, Command::kDaemonStart);
  auto* stop = daemon->add_subcommand("stop", "Stop the daemon; the replicas go on");
  config(stop);
  stop->add_flag("--replicas", cli.replicas, "Stop the replicas, too, each within its grace period");
  stop->footer("Example: docktor daemon stop --replicas");
  on(stop, Command::kDaemonStop);
  auto* status =
      daemon->add_subcommand("status", "Replicas, observation, last decision, and why nothing happens");
  config(status);
  service(status, "Only this service");
  status->add_flag("--json", cli.json, "As JSON");
  status->footer("Example: docktor daemon status --service consumer");
  on(status, Command::kDaemonStatus);
  auto* logs = daemon->add_subcommand("logs", "Show the daemon's log and follow it");
  config(logs);
  service(logs, "Only the lines of this service");
  numeric(logs->add_option("-n,--tail", cli.tail, "Begin with the last N lines (50)"), 0, 1'000'000);
  logs->add_flag("--changes", cli.changes, "Leave out what each sample and each hold writes");
  logs->add_flag_callback("--no-follow", [&cli] { cli.follow = false; }, "Print what there is and end");
  logs->footer("Example: docktor daemon logs --tail 100");
  on(logs, Command::kDaemonLogs);
  auto* reload = daemon->add_subcommand("reload", "Read the configuration again; a bad one changes nothing");
  config(reload);
  reload->footer("Example: docktor daemon reload");
  on(reload, Command::kDaemonReload);

  auto* conf = app.add_subcommand("config", "Work on a configuration");
  conf->require_subcommand(0, 1);
  conf->footer("Example: docktor config validate --config docktor.yaml");
  auto* validate = conf->add_subcommand(
      "validate", "Check the file, then the queue, stream, consumer and target it names");
  config(validate);
  service(validate, "Only this service");
  validate->add_option("--compose-file", cli.compose_file,
                       "The Compose file, instead of the configuration's");
  validate->add_flag("--offline", cli.offline, "Check the file alone");
  validate->footer("Example: docktor config validate --offline");
  on(validate, Command::kConfigValidate);

  const auto model_server = [&](CLI::App* sub) {
    sub->add_option("--provider", cli.provider, "dmr or openai (the configuration's)")
        ->check(CLI::IsMember({"dmr", "openai"}));
    sub->add_option("--base-url", cli.base_url,
                    "Address of the API (the configuration's, else the provider's)");
  };
  auto* list_models = conf->add_subcommand("list-models", "The models that the configured server has");
  config(list_models);
  model_server(list_models);
  list_models->footer(
      "Example: docktor config list-models --provider openai --base-url http://localhost:8080/v1");
  on(list_models, Command::kConfigListModels);
  auto* set_model =
      conf->add_subcommand("set-model", "Change llm.model in the file, and nothing but what is named here");
  config(set_model);
  set_model->add_option("ID", cli.id, "The model, as list-models shows it")->required();
  model_server(set_model);
  set_model->footer("Example: docktor config set-model ai/llama3.2");
  on(set_model, Command::kConfigSetModel);

  auto* explain =
      app.add_subcommand("explain", "The decisions and their reasons; with an ID, every number behind one");
  config(explain);
  explain->add_option("ID", cli.id, "A decision's id, as the table and the journal show it");
  numeric(explain->add_option("-n,--tail", cli.tail, "The last N decisions (20)"), 0, 10'000'000);
  service(explain, "Only this service");
  explain->add_flag("--changes", cli.changes, "Leave out the holds");
  explain->add_flag("--json", cli.json, "The journal's records, one a line");
  explain->footer("Example: docktor explain --tail 5 --service consumer");
  on(explain, Command::kExplain);

  const auto named = [&](CLI::App* sub) {
    config(sub);
    sub->add_option("SERVICE", cli.service, "The service")->required();
  };
  const auto length = [&](CLI::App* sub, const char* without) {
    sub->add_option("--for", cli.length, fmt::format("How long: 90s, 10m, 1h30m ({})", without));
  };
  const auto reason = [&](CLI::App* sub) { sub->add_option("--reason", cli.reason, "Why, for the journal"); };

  auto* scale = app.add_subcommand("scale", "Run N replicas instead of what the policy wants");
  named(scale);
  numeric(scale->add_option("N", cli.count, "How many")->required(), 0, 100'000);
  length(scale, "until docktor resume");
  reason(scale);
  scale->footer("Example: docktor scale consumer 3 --for 10m");
  on(scale, Command::kScale);

  auto* pause =
      app.add_subcommand("pause", "Hold scaling: as many replicas as there are; the bounds are kept");
  named(pause);
  length(pause, "until docktor resume");
  reason(pause);
  pause->footer("Example: docktor pause consumer --for 10m --reason deploying");
  on(pause, Command::kPause);

  auto* resume =
      app.add_subcommand("resume", "Let the policy decide again: ends pause, scale and a stop by hand");
  named(resume);
  resume->footer("Example: docktor resume consumer");
  on(resume, Command::kResume);

  auto* bounds = app.add_subcommand("set-bounds", "Override min_replicas and max_replicas");
  named(bounds);
  auto* min = numeric(bounds->add_option("MIN", cli.min, "Fewest replicas"), 0, 100'000);
  auto* max = numeric(bounds->add_option("MAX", cli.max, "Most replicas"), 1, 100'000);
  bounds->add_flag("--reset", cli.reset, "The configuration's bounds again")->excludes(min)->excludes(max);
  length(bounds, "until --reset");
  bounds->footer("Example: docktor set-bounds consumer 2 20 --for 1h");
  on(bounds, Command::kSetBounds);

  auto* proposals = app.add_subcommand("proposals", "List proposals waiting for approval");
  config(proposals);
  service(proposals, "Only this service's");
  proposals->add_flag("--json", cli.json, "As JSON");
  proposals->footer("Example: docktor proposals");
  on(proposals, Command::kProposals);
  auto* approve = app.add_subcommand("approve", "Approve a proposal");
  config(approve);
  approve->add_option("ID", cli.id, "The proposal's id, as `docktor proposals` shows it")->required();
  approve->footer("Example: docktor approve 7f3k2a-12");
  on(approve, Command::kApprove);
  auto* reject =
      app.add_subcommand("reject", "End a proposal; the same is not asked again while nothing changes");
  config(reject);
  reject->add_option("ID", cli.id, "The proposal's id, as `docktor proposals` shows it")->required();
  reason(reject);
  reject->footer("Example: docktor reject 7f3k2a-12 --reason 'the batch is nearly done'");
  on(reject, Command::kReject);

  auto* mcp =
      app.add_subcommand("mcp", "Tools for agents: a Model Context Protocol server on stdin and stdout");
  config(mcp);
  mcp->add_flag("--allow-actions", cli.allow_actions,
                "Also tools that act: scale, pause, resume, approve, reject");
  mcp->footer("Example: docktor mcp --config docktor.yaml --allow-actions");
  on(mcp, Command::kMcp);

  auto* top =
      app.add_subcommand("top", "All services in the terminal, as they change; into a pipe one table");
  config(top);
  top->add_flag("--act", cli.act,
                "Keys that act, too: pause, resume, scale, approve, reject; each asks once");
  top->footer("Example: docktor top --act");
  on(top, Command::kTop);

  auto* savings = app.add_subcommand(
      "savings",
      "What ran, by the journal, beside all replicas all the time, the rules, and other autoscalers");
  config(savings);
  service(savings, "Only this service");
  savings->add_option("--last", cli.last, "Over which time: 7d, 24h, 90m (7d)");
  numeric(savings->add_option("--capacity", cli.capacity, "Messages per second of a replica (as learned)"),
          0.001, 1e6, true);
  savings->add_flag("--json", cli.json, "As JSON");
  savings->footer("Example: docktor savings --last 24h --service consumer");
  on(savings, Command::kSavings);

  auto* notify = app.add_subcommand("notify", "Whom docktor tells of trouble");
  notify->require_subcommand(0, 1);
  notify->footer("Example: docktor notify test");
  auto* test = notify->add_subcommand(
      "test", "Send a test message to the receivers of the configuration; needs no daemon");
  config(test);
  test->add_option("CHANNEL", cli.channel, "Only this one of notifications");
  test->add_flag("--json", cli.json, "As JSON");
  test->footer("Example: docktor notify test ops");
  on(test, Command::kNotifyTest);

  auto* web = app.add_subcommand("web", "The page of the daemon, on this host and for you alone");
  config(web);
  numeric(web->add_option("-p,--port", cli.port, "The port on 127.0.0.1 (any that is free)"), 0, 65'535);
  web->footer("Example: docktor web --port 8080");
  on(web, Command::kWeb);

  auto* demo = app.add_subcommand(
      "demo", "A minute of real scaling: a private server of a queue, producer and workers");
  numeric(demo->add_option("--seconds", cli.seconds, "How long the load lasts (60)"), 5.0, 3600.0, true);
  demo->add_option("--queue", cli.queue,
                   "The queue: nats, redis, rabbitmq or kafka, where its server is installed (nats)")
      ->check(CLI::IsMember({"nats", "redis", "rabbitmq", "kafka"}));
  demo->footer("Example: docktor demo --queue redis");
  on(demo, Command::kDemo);

  auto* decide = app.add_subcommand(
      "decide", "Decide from JSON lines on stdin, a decision a line on stdout; no network, no clock");
  config(decide);
  service(decide, "Only this service of the configuration");
  decide->footer(
      "Example: echo "
      "'{\"t\":1,\"service\":\"consumer\",\"replicas\":{\"current\":1,\"ready\":1},\"queue\":{\"num_"
      "pending\":840,"
      "\"num_ack_pending\":2,\"delivered_consumer_seq\":5120}}' | docktor decide --config docktor.yaml");
  on(decide, Command::kDecide);

  auto* simulate = app.add_subcommand(
      "simulate",
      "What this configuration, and the known autoscalers, would make of a load, in virtual time");
  config(simulate);
  service(simulate, "The service, where the configuration has several");
  SimulateFlags& sim = cli.simulate;
  simulate->add_option("--trace", sim.trace, "The load: a file of seconds,rate rows; the last row ends it");
  simulate->add_option("--shape", sim.shape,
                       "The load: a built-in shape, or constant:RATE; a wrong name lists them");
  simulate->add_option(
      "--begins", sim.begins,
      "When the load begins, for the service's schedule: 2026-11-30 or \"2026-11-30 08:00\"; "
      "default: today at midnight");
  simulate->add_option("--from-journal", sim.journal,
                       "The load: what the daemon's journal recorded (decisions.jsonl)");
  simulate->add_option(
      "--policy", sim.policies,
      "Whom to compare, comma-separated: objective, rules, a peer's name, static:N (all but static)");
  simulate->add_option("--max-wait", sim.max_wait, "The objective, instead of the configuration's: 5s");
  numeric(simulate->add_option("--capacity", sim.capacity,
                               "Messages per second of one replica (20, or what the journal learned)"),
          1e-6, 1e9, true);
  simulate->add_option("--start-up", sim.start_up,
                       "From order to able to work (3s, or what the journal learned)");
  simulate->add_option("--start-up-deviation", sim.start_up_deviation,
                       "Its standard deviation (a quarter of it)");
  numeric(simulate->add_option("--cv", sim.cv, "Service times' standard deviation over their mean (0.3)"),
          0.0, 10.0, true);
  numeric(simulate->add_option("--prefetch", sim.prefetch, "Messages that a replica holds at most (1)"), 1,
          100'000);
  simulate->add_option("--worker", sim.worker,
                       "Habits of the workers: poll=500ms,fetch=100,cv=3,warm_up=30s,crash=4/h,shared=10,"
                       "ready_late=2s,ready_early=10s,seen_late=500ms");
  numeric(simulate->add_option("--clump", sim.clump, "Messages that come at one instant (1)"), 1, 100'000);
  simulate->add_flag("--exact", sim.exact, "Evenly spaced arrivals instead of Poisson");
  simulate
      ->add_option("--fault", sim.faults,
                   "What goes wrong, as NAME=VALUE; may be repeated; a wrong name lists them")
      ->allow_extra_args(false);
  numeric(simulate->add_option("--seeds", sim.seeds,
                               "Runs with different random numbers; their means are shown (10)"),
          1, 1000);
  simulate->add_flag("--tuned", sim.tuned,
                     "Show each peer also with the best of its twelve settings for this load");
  simulate->add_flag("--no-optimum", sim.no_optimum,
                     "Leave out the clairvoyant optimum, which takes longest");
  simulate->add_flag("--details", sim.details, "Show every column, by the letters of the field");
  simulate->add_option("--report", sim.report, "Write an HTML report to this file");
  simulate->add_option("--svg", sim.svg, "Write the report's charts to this file");
  simulate->add_flag("--json", cli.json, "Results as JSON on stdout");
  simulate->footer(
      "Example: docktor simulate --config docktor.yaml --shape onoff --policy objective,keda --report "
      "out.html");
  on(simulate, Command::kSimulate);

  auto* eval = app.add_subcommand(
      "eval", "Ask the configured model about recorded situations, and judge its answers by simulation");
  config(eval);
  service(eval, "Only this service");
  numeric(eval->add_option("-n,--tail", cli.tail, "The last N recorded changes (50)"), 1, 10'000);
  eval->add_option("--journal", cli.journal, "A journal's file (the instance's own)");
  numeric(eval->add_option("--capacity", cli.capacity, "Messages per second of a replica (as recorded)"),
          0.001, 1e6, true);
  numeric(eval->add_option("--start-up", cli.start_up, "Seconds until a new replica works (as recorded)"),
          0.0, 3600.0, true);
  eval->add_flag("--json", cli.json, "As JSON");
  eval->footer("Example: docktor eval --service consumer --tail 100");
  on(eval, Command::kEval);

  const auto talk = [&](CLI::App* sub) {
    config(sub);
    sub->add_flag("--autonomous", cli.autonomous, "Act without asking for a yes");
    sub->add_flag("--headless", cli.headless, "For scripts: no prompts; requests from stdin, a line each");
    sub->add_flag("--debug", cli.debug, "Show on stderr what is called and answered");
    sub->add_flag("--no-install", unused, "Accepted for older scripts; nothing is ever installed");
    sub->add_flag("--skip-compose", unused,
                  "Accepted for older scripts; no stack is ever started or stopped");
    sub->footer("Example: echo 'why consumer' | docktor chat --headless");
    on(sub, Command::kChat);
  };
  auto* ai = app.add_subcommand("ai", "Talk with the configured model about what docktor does");
  ai->require_subcommand(0, 1);
  ai->footer("Example: docktor ai up");
  talk(ai->add_subcommand("up", "Ask and order in words; it acts only after your yes"));
  talk(app.add_subcommand("chat", "The same as `docktor ai up`"));

  auto* health = app.add_subcommand("health", "Exit 0 when the daemon answers (for a HEALTHCHECK)");
  config(health);
  health->footer("Example: docktor health");
  on(health, Command::kHealth);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", help_of(deepest(app)));
    out.exit = 0;
    return out;
  } catch (const CLI::CallForVersion&) {
    fmt::print("docktor {}\n", kVersion);
    out.exit = 0;
    return out;
  } catch (const CLI::ExtrasError&) {
    const CLI::App& at = deepest(app);
    auto extras = at.remaining();
    if (extras.empty()) extras = app.remaining(true);
    const std::string word = extras.empty() ? "?" : extras.front();
    out.exit = complain_at(unexpected(word, at), at);
    return out;
  } catch (const CLI::ParseError& e) {
    out.exit = complain_at(e.what(), deepest(app));
    return out;
  }
  if (cli.command == Command::kNone) {
    // A group without its command: show what there is; that is a mistake unless nothing at all was typed.
    const CLI::App& at = deepest(app);
    fmt::print(argc > 1 ? stderr : stdout, "{}", help_of(at));
    out.exit = argc > 1 ? kExitUsage : 0;
  }
  return out;
}

}  // namespace docktor
