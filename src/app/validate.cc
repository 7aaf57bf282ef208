// `docktor config validate`: the file, then the world it names.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/control_socket.h"
#include "app/commands.h"
#include "app/configuration.h"
#include "app/instances.h"
#include "app/leases.h"
#include "app/terminal.h"
#include "app/wiring.h"
#include "core/condition.h"
#include "core/text.h"
#include "llm/chat_client.h"

namespace docktor {
namespace {

// Scaling goes on without a model, so nothing about it is an error. How many warnings there were.
int check_model(const LlmSpec& spec) {
  say(stdout, "llm:\n");
  std::fflush(stdout);
  llm::ChatClient client(spec);
  const auto models = client.models();
  const auto warn = [](const std::string& what, const std::string& then) {
    say(stdout, "  ⚠ {}\n    → {}\n", what, then);
    return 1;
  };
  if (!models) {
    return warn(fmt::format("model {} does not answer: {}; scaling goes on without it", spec.model,
                            models.error().message),
                llm::what_to_start(spec));
  }
  if (std::ranges::count(*models, spec.model) == 0) {
    return warn(fmt::format("{} answers and has no model {}", redacted_url(spec.base_url), spec.model),
                "choose one of `docktor config list-models` with `docktor config set-model ID`");
  }
  say(stdout, "  ✓ {} answers and has model {}\n", redacted_url(spec.base_url), spec.model);
  return 0;
}

// What a daemon that runs with this file has seen of it: where a bound or a grace period is too tight. Without a daemon
// nothing is known.
std::vector<Finding> seen_by(const nlohmann::ordered_json& status, const std::string& service) {
  constexpr std::array kOfTheFile = {Condition::kAtMax, Condition::kNoRoom, Condition::kHeadroomShort,
                                     Condition::kCutOff};
  std::vector<Finding> out;
  for (const auto& s : status.value("services", nlohmann::ordered_json::array())) {
    if (s.value("service", "") != service) continue;
    for (const auto& c : s.value("conditions", nlohmann::ordered_json::array())) {
      const bool tight = std::ranges::any_of(
          kOfTheFile, [&](Condition k) { return c.value("condition", "") == info(k).name; });
      if (tight)
        out.push_back({Severity::kWarning, "seen by the running daemon: " + c.value("words", ""),
                       c.value("detail", "")});
    }
  }
  return out;
}

std::vector<const QueueSpec*> queues_of(const ServiceSpec& s) {
  std::vector<const QueueSpec*> out;
  if (s.queue && s.queue->parts.empty()) out.push_back(&*s.queue);
  if (s.queue)
    for (const auto& part : s.queue->parts) out.push_back(&part);
  return out;
}

// Another service on a queue of this one: a mistake that nobody else would see.
std::vector<Finding> shared_with(const std::vector<ServiceSpec>& services, const ServiceSpec& spec) {
  std::vector<Finding> out;
  for (const auto& other : services) {
    if (&other == &spec) continue;
    for (const auto* q : queues_of(spec)) {
      const bool same = std::ranges::any_of(queues_of(other), [&](const QueueSpec* o) {
        return o->kind == q->kind && o->identity == q->identity && o->shown == q->shown;
      });
      if (same)
        out.push_back(
            {Severity::kWarning, fmt::format("service {} works on this queue, too: {}", other.name, q->shown),
             "both see all that waits and each adds replicas for it, and an objective learns from what the "
             "other's replicas do: make them one service, unless only one of them has rules for a time of "
             "need"});
    }
  }
  return out;
}

void print_findings(const std::vector<Finding>& findings, int& errors, int& warnings) {
  for (const auto& f : findings) {
    const char* mark = f.severity == Severity::kOk ? "✓" : f.severity == Severity::kWarning ? "⚠" : "✗";
    say(stdout, "  {} {}\n", mark, f.what);
    if (f.severity != Severity::kOk && !f.cure.empty()) say(stdout, "    → {}\n", f.cure);
    errors += f.severity == Severity::kError;
    warnings += f.severity == Severity::kWarning;
  }
}

}  // namespace

int config_validate_command(const Cli& cli) {
  DaemonSpec daemon;
  const auto config = load_for(cli, &daemon);
  if (!config) return kExitUsage;
  say(stdout, "✓ {}: {} service{}, no errors\n", config->shown, config->services.size(),
      config->services.size() == 1 ? "" : "s");
  for (const auto& c : daemon.notifications)
    say(stdout, "  notifications of {} go to {} (`docktor notify test {}` sends one)\n", c.name, c.shown,
        c.name);
  if (cli.offline) return 0;
  const auto folders = our_folders();
  if (!folders) {
    return complain(folders.error().message);
  }
  const Instance instance = instance_of(*folders, config->path);
  Wiring wiring({.state_dir = instance.state_dir, .log_dir = instance.log_dir});
  const auto running =
      ask(instance.socket_file(), {{"command", "status"}, {"arguments", nlohmann::ordered_json::object()}},
          std::chrono::seconds(2));
  int errors = 0, warnings = 0;
  for (const auto& spec : config->services) {
    say(stdout, "{}:\n", spec.name);
    std::fflush(stdout);
    auto findings = wiring.check(spec);
    std::ranges::move(shared_with(config->services, spec), std::back_inserter(findings));
    if (running) std::ranges::move(seen_by(*running, spec.name), std::back_inserter(findings));
    print_findings(findings, errors, warnings);
  }
  if (daemon.lease) {
    say(stdout, "high_availability:\n");
    std::fflush(stdout);
    print_findings(check_lease(*daemon.lease), errors, warnings);
  }
  if (config->llm && config->llm->mode != LlmMode::kOff) warnings += check_model(*config->llm);
  if (errors == 0) {
    say(stdout, "✓ Valid{}\n",
        warnings ? fmt::format(", with {} warning{}", warnings, warnings == 1 ? "" : "s") : "");
    return 0;
  }
  say(stdout, "✗ {} problem{} to fix{}\n", errors, errors == 1 ? "" : "s",
      warnings ? fmt::format(", {} warning{}", warnings, warnings == 1 ? "" : "s") : "");
  return kExitFailed;
}

}  // namespace docktor
