// The commands with which people put their word beside the policies': scale, pause, resume, set-bounds,
// proposals, approve, reject.
#include <fmt/format.h>

#include <chrono>

#include "api/control_socket.h"
#include "app/commands.h"
#include "app/instances.h"
#include "app/terminal.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

// Asks the daemon that is meant; nothing where that failed, with the exit code and the reason printed.
std::optional<ordered_json> asked(const Cli& cli, const char* operation, const ordered_json& arguments,
                                  int& code) {
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return std::nullopt;
  auto answer = ask(chosen->instance.socket_file(), {{"command", operation}, {"arguments", arguments}},
                    kOperationTimeout);
  if (answer) return std::move(*answer);
  say(stderr, "docktor: {}\n", answer.error().message);
  code = kExitFailed;
  return std::nullopt;
}

int act(const Cli& cli, const char* operation, ordered_json arguments) {
  if (!cli.length.empty()) arguments["for"] = cli.length;
  if (!cli.reason.empty()) arguments["reason"] = cli.reason;
  int code = 0;
  const auto answer = asked(cli, operation, arguments, code);
  if (answer) say(stdout, "{} {}\n", answer->value("saved", true) ? "✓" : "⚠", answer->value("text", ""));
  return code;
}

}  // namespace

int resume_command(const Cli& cli) { return act(cli, "resume", {{"service", cli.service}}); }

int pause_command(const Cli& cli) { return act(cli, "pause", {{"service", cli.service}}); }

int scale_command(const Cli& cli) {
  return act(cli, "scale", {{"service", cli.service}, {"replicas", cli.count}});
}

int set_bounds_command(const Cli& cli) {
  if (cli.reset) return act(cli, "reset_bounds", {{"service", cli.service}});
  if (cli.min < 0 || cli.max < 0) {
    say(stderr, "docktor: set-bounds needs MIN and MAX, or --reset\nTry 'docktor set-bounds --help'.\n");
    return kExitUsage;
  }
  return act(cli, "set_bounds",
             {{"service", cli.service}, {"min_replicas", cli.min}, {"max_replicas", cli.max}});
}

int proposals_command(const Cli& cli) {
  int code = 0;
  const auto answer =
      asked(cli, "proposals",
            cli.service.empty() ? ordered_json::object() : ordered_json{{"service", cli.service}}, code);
  if (!answer) return code;
  const auto& list = answer->at("proposals");
  if (cli.json) {
    fmt::print("{}\n", list.dump(2, ' ', false, ordered_json::error_handler_t::replace));
    return 0;
  }
  for (const auto& p : list) {
    say(stdout, "{}  {}  {} → {}  by {}, {} ago\n    {}\n", p.value("id", ""), p.value("service", ""),
        p.value("current_replicas", 0), p.value("target_replicas", 0), p.value("by", ""),
        short_duration(seconds(p.value("age", 0.0))), p.value("reason", ""));
  }
  if (list.empty()) say(stdout, "Nothing waits for an answer.\n");
  return 0;
}

int approve_command(const Cli& cli) { return act(cli, "approve", {{"id", cli.id}}); }

int reject_command(const Cli& cli) { return act(cli, "reject", {{"id", cli.id}}); }

}  // namespace docktor
