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
#include "app/version.h"
#include "control/lock.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

constexpr auto kAskTimeout = std::chrono::seconds(10);

std::string ago(double seconds_ago) { return short_duration(seconds(std::max(0.0, seconds_ago))); }

std::string observation_text(const ordered_json& o) {
  std::string text;
  for (const auto& [key, v] : o.items()) {
    text += fmt::format("{}{} {:.6g}", text.empty() ? "" : ", ", key, v.is_number() ? v.get<double>() : 0.0);
  }
  return text;
}

void print_service(const ordered_json& s) {
  fmt::print("\nService: {}\n", s.value("service", ""));
  std::string more;
  for (const char* key : {"failing", "stopping"}) {
    if (s.value(key, 0) > 0) more += fmt::format(", {} {}", s.value(key, 0), key);
  }
  fmt::print("  Replicas:      {} ready, {} starting, {} wanted{}  (bounds {}..{})\n", s.value("ready", 0),
             s.value("starting", 0), s.value("wanted", 0), more, s.value("min_replicas", 0),
             s.value("max_replicas", 0));
  if (s.value("dry_run", false)) fmt::print("  Dry run:       decisions are shown, not carried out\n");
  for (const auto& o : s.value("overrides", ordered_json::array()))
    fmt::print("  Override:      {}\n", o.value("text", ""));
  for (const auto& p : s.value("proposals", ordered_json::array())) {
    fmt::print("  Proposal:      {}: {} → {}, by {}, {} ago: {}\n", p.value("id", ""),
               p.value("current_replicas", 0), p.value("target_replicas", 0), p.value("by", ""),
               ago(p.value("age", 0.0)), p.value("reason", ""));
  }
  for (const auto& r : s.at("replicas")) {
    if (r.contains("note"))
      fmt::print("    {}: {}, {}\n", r.value("id", ""), r.value("state", ""), r.value("note", ""));
  }
  if (s.contains("queue")) fmt::print("  Queue:         {}\n", s.value("queue", ""));
  if (s.contains("observation_age")) {
    fmt::print("  Observation:   {} ({} old{})\n", observation_text(s.at("observation")),
               ago(s.value("observation_age", 0.0)), s.value("stale", false) ? ", STALE" : "");
  } else {
    fmt::print("  Observation:   none yet\n");
  }
  if (s.contains("learned")) fmt::print("  Learned:       {}\n", observation_text(s.at("learned")));
  if (s.contains("last_decision")) {
    const auto& d = s.at("last_decision");
    fmt::print("  Last decision: {} {} → {}, {} ago, {} (id {})\n                 {}\n",
               d.value("decision", ""), d.value("current_replicas", 0), d.value("target_replicas", 0),
               ago(d.value("age", 0.0)),
               d.value("outcome", "") == "none" ? "nothing to do" : d.value("outcome", ""), d.value("id", ""),
               d.value("reason", ""));
  } else {
    fmt::print("  Last decision: none yet (next in {})\n", ago(s.value("next_check_in", 0.0)));
  }
  if (s.contains("notes")) {
    for (const auto& n : s.at("notes")) fmt::print("  Note:          {}\n", n.get<std::string>());
  }
  if (s.contains("why_nothing_happens"))
    fmt::print("  Why nothing happens: {}\n", s.value("why_nothing_happens", ""));
}

ordered_json service_argument(const Cli& cli) {
  return cli.service.empty() ? ordered_json::object() : ordered_json{{"service", cli.service}};
}

int print_error(const Error& e) {
  fmt::print(stderr, "docktor: {}\n", e.message);
  return kExitFailed;
}

}  // namespace

int daemon_status_command(const Cli& cli) {
  int code = 0;
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return code;
  const auto answer = ask(chosen->instance.socket_file(),
                          {{"command", "status"}, {"arguments", service_argument(cli)}}, kAskTimeout);
  if (!answer) return print_error(answer.error());
  if (cli.json) {
    fmt::print("{}\n", answer->dump(2, ' ', false, ordered_json::error_handler_t::replace));
    return 0;
  }
  fmt::print("docktor {} running, pid {}, up {}\nMode: {}\nConfig: {}\n", answer->value("version", "?"),
             answer->value("pid", 0), ago(answer->value("uptime", 0.0)), answer->value("mode", "AUTONOMOUS"),
             answer->value("config", ""));
  if (const auto why = answer->value("reload_error", ""); !why.empty()) {
    fmt::print("⚠ The last reload was refused; the configuration before it is in effect:\n{}\n", why);
  }
  if (answer->contains("starting")) fmt::print("{}\n", answer->value("starting", ""));
  for (const auto& t : answer->value("troubles", ordered_json::array()))
    fmt::print("⚠ {}\n", t.get<std::string>());
  for (const auto& t : answer->value("left_running", ordered_json::array()))
    fmt::print("⚠ Left running, no longer in the configuration: {}\n", t.get<std::string>());
  for (const auto& s : answer->at("services")) print_service(s);
  return 0;
}

int daemon_reload_command(const Cli& cli) {
  int code = 0;
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return code;
  const auto answer = ask(chosen->instance.socket_file(), {{"command", "reload"}}, std::chrono::seconds(30));
  if (!answer) {
    fmt::print(stderr, "{}\n", answer.error().message);
    return answer.error().code == ErrorCode::kInvalid ? kExitUsage : kExitFailed;
  }
  fmt::print("✓ Configuration reloaded: {}\n", answer->value("text", ""));
  return 0;
}

int health_command(const Cli& cli) {
  int code = 0;
  const auto chosen = need_daemon(cli, code);
  if (!chosen) return kExitFailed;
  const auto answer = ask(chosen->instance.socket_file(), {{"command", "health"}}, std::chrono::seconds(5));
  if (!answer) return print_error(answer.error());
  fmt::print("{}\n", answer->value("text", "healthy"));
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
  if (!answer) {
    // It does not answer: ask by signal, for which the held lock vouches.
    if (pid <= 1 || !FileLock::holder(instance.lock_file()) || ::kill(pid, SIGTERM) != 0)
      return print_error(answer.error());
    fmt::print(stderr, "docktor: the daemon does not answer ({}); sent SIGTERM to pid {}\n",
               answer.error().message, pid);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (FileLock::holder(instance.lock_file())) {
    if (std::chrono::steady_clock::now() > until) {
      fmt::print(stderr, "docktor: pid {} has not ended after a minute; see {}\n", pid, instance.log_file());
      return kExitFailed;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  fmt::print("✓ Daemon stopped (pid {})\n", pid);
  if (answer) fmt::print("{}\n", answer->value("text", ""));
  return 0;
}

}  // namespace docktor
