// `docktor daemon start`: prints what will run, goes to the background, and returns once it runs or has
// failed.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/daemon.h"
#include "app/instances.h"
#include "app/terminal.h"
#include "control/lock.h"
#include "core/text.h"

namespace docktor {
namespace {

std::string dry_run_text(const Cli& cli) {
  if (std::ranges::find(cli.dry_run, "") != cli.dry_run.end()) return "all services";
  return fmt::format("{}", fmt::join(cli.dry_run, ", "));
}

// A name that is no service's would run for real what the user means to try.
bool dry_run_names_are_services(const Config& config, const Cli& cli) {
  for (const auto& name : cli.dry_run) {
    if (name.empty() || std::ranges::find(config.services, name, &ServiceSpec::name) != config.services.end())
      continue;
    say(stderr, "docktor: --dry-run {}: no such service in {}; nothing was started\n", name, config.shown);
    return false;
  }
  return true;
}

void print_banner(const Config& config, const Cli& cli) {
  std::string names;
  for (const auto& s : config.services) names += (names.empty() ? "" : ", ") + s.name;
  say(stdout, "=== Starting Docktor Daemon ===\nMode: {}\nConfig: {}\nServices: {}\n\n",
      cli.manual ? "MANUAL" : "AUTONOMOUS", config.shown, names);
  if (!cli.dry_run.empty()) say(stdout, "Dry run: {}; nothing is started or stopped\n\n", dry_run_text(cli));
  if (config.llm) {
    say(stdout, "LLM Config:\n  Provider: {}\n  Model: {}\n\n", config.llm->provider, config.llm->model);
  }
  for (const auto& s : config.services) {
    say(stdout, "Service: {}\n  Min/Max Replicas: {}/{}\n  Check Interval: {}\n", s.name,
        s.limits.min_replicas, s.limits.max_replicas, short_duration(s.check_interval));
    if (s.objective) {
      say(stdout, "  Objective: {:g}% of the messages wait at most {}\n", s.objective->quantile * 100,
          short_duration(s.objective->max_wait));
    }
    if (s.queue && s.queue->parts.empty()) say(stdout, "  Queue: {}\n", s.queue->shown);
    if (s.queue) {
      for (const auto& part : s.queue->parts) say(stdout, "  Queue {}: {}\n", part.name, part.shown);
    }
    say(stdout, "\n");
  }
  std::fflush(stdout);
}

void print_report(const StartReport& report, const Instance& instance, const HttpSpec& http) {
  for (const auto& line : report.lines)
    say(report.up ? stdout : stderr, "{} {}\n", report.up ? "⚠" : "✗", line);
  if (!report.up) {
    say(stderr, "✗ Daemon not started\n");
    return;
  }
  for (const auto& line : report.restrictions) say(stdout, "⚠ {}\n", line);
  say(stdout, "✓ Daemon started successfully\n");
  if (!report.lines.empty())
    say(stdout,
        "  Services whose queue or containers are missing are left as they are; scaling starts when they\n"
        "  appear. `docktor daemon status` shows how it goes.\n");
  if (!http.listen.empty()) say(stdout, "  Page: http://{}\n", http.listen);
  say(stdout, "  Log: {}\n", instance.log_file());
  std::fflush(stdout);
}

const std::string kProgress = "\x1e";  // begins a line that is printed as it comes
constexpr char kRestriction = '\x1d';  // begins one of StartReport::restrictions

// The report as text through the pipe: "up" or "failed", then a line each.
std::string pack(const StartReport& report) {
  std::string text = report.up ? "up" : "failed";
  const auto add = [&](std::string line) {
    std::ranges::replace(line, '\n', '\x1f');
    text += "\n" + line;
  };
  std::ranges::for_each(report.lines, add);
  for (const auto& line : report.restrictions) add(kRestriction + line);
  return text;
}

StartReport unpack(const std::string& text, const Instance& instance) {
  StartReport report;
  std::size_t from = text.find('\n');
  const std::string head = text.substr(0, from);
  report.up = head == "up";
  while (from != std::string::npos) {
    const auto next = text.find('\n', from + 1);
    std::string line = text.substr(from + 1, next == std::string::npos ? next : next - from - 1);
    std::ranges::replace(line, '\x1f', '\n');
    if (line.starts_with(kRestriction))
      report.restrictions.push_back(line.substr(1));
    else
      report.lines.push_back(std::move(line));
    from = next;
  }
  if (head != "up" && head != "failed")
    report.lines = {"the daemon ended before it was up; its log may tell why: " + instance.log_file()};
  return report;
}

}  // namespace

int daemon_start_command(const Cli& cli) {
  DaemonSpec daemon;
  auto loaded = load_for(cli, &daemon);
  if (!loaded || !dry_run_names_are_services(*loaded, cli)) return kExitUsage;
  const auto folders = our_folders();
  if (!folders) {
    return complain(folders.error().message);
  }
  DaemonOptions options;
  options.instance = instance_of(*folders, loaded->path);
  options.locks_dir = folders->state + "/services";
  options.spare_locks_dir = folders->runtime + "/services";
  options.config = *loaded;
  options.daemon = daemon;
  options.reload = [cli, path = loaded->path](DaemonSpec& spec) { return reload_for(cli, path, &spec); };
  options.foreground = cli.foreground;
  options.manual = cli.manual;
  options.dry_run = std::ranges::find(cli.dry_run, "") != cli.dry_run.end();
  options.dry_run_of = cli.dry_run;
  options.wait_ready = cli.wait_ready;
  const Instance instance = options.instance;
  if (const auto note = FileLock::holder(instance.lock_file())) {
    say(stderr,
        "✗ a daemon already runs for {} (pid {}); `docktor daemon status` shows it, `docktor daemon stop` "
        "ends it\n",
        loaded->shown, note->value("pid", 0));
    return kExitFailed;
  }
  print_banner(*loaded, cli);

  if (cli.foreground) {
    return run_daemon(std::move(options),
                      {[&](const StartReport& r) { print_report(r, instance, daemon.http); }, {}});
  }
  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0) {
    say(stderr, "docktor: cannot make a pipe: {}\n", std::strerror(errno));
    return kExitFailed;
  }
  const pid_t child = ::fork();
  if (child < 0) {
    say(stderr, "docktor: cannot fork: {}\n", std::strerror(errno));
    return kExitFailed;
  }
  if (child == 0) {
    ::close(pipe_fds[0]);
    ::setsid();
    ::umask(027);
    if (::chdir("/") != 0) ::_exit(1);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    const auto tell = [&](const std::string& text) { (void)!::write(pipe_fds[1], text.data(), text.size()); };
    const int code =
        run_daemon(std::move(options), {[&](const StartReport& r) {
                                          tell(pack(r));
                                          ::close(pipe_fds[1]);
                                        },
                                        [&](const std::string& text) { tell(kProgress + text + "\n"); }});
    ::_exit(code);  // the parent's atexit handlers and buffers are not ours
  }
  ::close(pipe_fds[1]);
  std::string text;
  char block[4096];
  while (true) {
    const auto n = ::read(pipe_fds[0], block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(block, static_cast<std::size_t>(n));
    while (text.starts_with(kProgress) && text.find('\n') != std::string::npos) {
      fmt::print("{}\n", text.substr(1, text.find('\n') - 1));
      std::fflush(stdout);
      text.erase(0, text.find('\n') + 1);
    }
  }
  ::close(pipe_fds[0]);
  const StartReport report = unpack(text, instance);
  if (!report.up) ::waitpid(child, nullptr, 0);
  print_report(report, instance, daemon.http);
  return report.up ? 0 : kExitFailed;
}

}  // namespace docktor
