// The commands that ask a running daemon: status, stop, reload, health.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "api/control_socket.h"
#include "app/commands.h"
#include "app/instances.h"
#include "app/status_text.h"
#include "app/terminal.h"
#include "app/version.h"
#include "control/lock.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr auto kStatusTimeout = std::chrono::seconds(10);

ordered_json service_argument(const Cli& cli) {
  return cli.service.empty() ? ordered_json::object() : ordered_json{{"service", cli.service}};
}

}  // namespace

int daemon_status_command(const Cli& cli) {
  int code = 0;
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return code;
  const auto answer = ask(chosen->instance.socket_file(),
                          {{"command", "status"}, {"arguments", service_argument(cli)}}, kStatusTimeout);
  if (!answer) return complain(answer.error().message);
  if (cli.json) {
    fmt::print("{}\n", answer->dump(2, ' ', false, ordered_json::error_handler_t::replace));
    return 0;
  }
  // For people, so in lines that fit: 80 columns where nothing tells how many there are. `--json` is for
  // programs.
  const std::size_t width = Terminal::of(stdout).width;
  say_text(stdout, status_text(*answer, width == 0 ? 80 : width));
  return 0;
}

int daemon_reload_command(const Cli& cli) {
  int code = 0;
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return code;
  const auto answer = ask(chosen->instance.socket_file(), {{"command", "reload"}}, std::chrono::seconds(30));
  if (!answer) {
    say(stderr, "{}\n", answer.error().message);
    return answer.error().code == ErrorCode::kInvalid ? kExitUsage : kExitFailed;
  }
  say(stdout, "✓ Configuration reloaded: {}\n", answer->value("text", ""));
  return 0;
}

int health_command(const Cli& cli) {
  int code = 0;
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return kExitFailed;
  const auto answer = ask(chosen->instance.socket_file(), {{"command", "health"}}, std::chrono::seconds(5));
  if (!answer) return complain(answer.error().message);
  say(stdout, "{}\n", answer->value("text", "healthy"));
  return 0;
}

int daemon_stop_command(const Cli& cli) {
  int code = 0;
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return code;
  const Instance& instance = chosen->instance;
  const int pid = chosen->note.value("pid", 0);
  // Stopping replicas takes their grace periods; the daemon answers when all are gone.
  const auto patience = cli.replicas ? std::chrono::minutes(15) : std::chrono::minutes(1);
  const auto answer =
      ask(instance.socket_file(), {{"command", "stop"}, {"replicas", cli.replicas}}, patience);
  if (!answer && answer.error().code == ErrorCode::kConflict) return complain(answer.error().message);
  if (!answer) {
    // It does not answer: ask by signal, for which the held lock vouches.
    if (pid <= 1 || !FileLock::holder(instance.lock_file()) || ::kill(pid, SIGTERM) != 0)
      return complain(answer.error().message);
    say(stderr, "docktor: the daemon does not answer ({}); sent SIGTERM to pid {}\n", answer.error().message,
        pid);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (FileLock::holder(instance.lock_file())) {
    if (std::chrono::steady_clock::now() > until) {
      say(stderr, "docktor: pid {} has not ended after a minute; see {}\n", pid, instance.log_file());
      return kExitFailed;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  say(stdout, "✓ Daemon stopped (pid {})\n", pid);
  if (answer) say(stdout, "{}\n", answer->value("text", ""));
  return 0;
}

}  // namespace docktor
