#include "app/instances.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "app/terminal.h"
#include "control/lock.h"
#include "os/atomic_file.h"

namespace docktor {
namespace fs = std::filesystem;

Result<Folders> our_folders() {
  return find_folders([](const char* key) { return static_cast<const char*>(std::getenv(key)); },
                      ::geteuid() == 0);
}

std::vector<Running> running_instances(const Folders& folders) {
  std::vector<Running> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folders.runtime, error)) {
    const auto note = FileLock::holder(entry.path().string() + "/lock");
    if (!note || !note->contains("config")) continue;
    out.push_back({instance_of(folders, note->value("config", "")), *note});
  }
  return out;
}

namespace {

// The configuration whose daemon wrote to its log last, running or not; empty where none is known.
std::string last_config(const Folders& folders) {
  std::string last;
  fs::file_time_type newest{};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folders.runtime, error)) {
    const auto text = read_file((entry.path() / "lock").string(), 16 << 10);
    const auto note = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
    const auto config = note.is_object() ? note.find("config") : note.end();
    if (!note.is_object() || config == note.end() || !config->is_string()) continue;
    const auto instance = instance_of(folders, config->get<std::string>());
    std::error_code none;
    const auto written = fs::last_write_time(instance.log_file(), none);
    if (none || (!last.empty() && written <= newest)) continue;
    newest = written;
    last = instance.config;
  }
  return last;
}

}  // namespace

Result<std::string> config_path(const Cli& cli) {
  std::error_code error;
  if (cli.config) {
    if (cli.config->empty()) return fail(ErrorCode::kInvalid, "--config needs a file");
    return fs::absolute(*cli.config, error).lexically_normal().string();
  }
  for (const char* name : {"docktor.yaml", "docktor.yml"}) {
    if (fs::exists(name, error)) return fs::absolute(name, error).string();
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("no docktor.yaml or docktor.yml in {}; give one with --config FILE",
                          fs::current_path(error).string()));
}

Result<Chosen> choose_instance(const Cli& cli) {
  const auto folders = our_folders();
  if (!folders) return tl::unexpected(folders.error());
  auto running = running_instances(*folders);
  if (!cli.config) {
    if (running.size() == 1) return Chosen{running[0].instance, true, running[0].note};
    const auto here = config_path(cli);
    const bool ours = here && FileLock::holder(instance_of(*folders, *here).lock_file());
    if (running.size() > 1 && !ours) {
      std::string list;
      for (const auto& r : running)
        list += fmt::format("\n  --config {}  (pid {})", r.instance.config, r.note.value("pid", 0));
      return fail(ErrorCode::kConflict, "several instances run; say which one is meant:" + list);
    }
  }
  const auto path = config_path(cli);
  if (!path) {
    Error e = path.error();
    if (const auto last = cli.config ? std::string() : last_config(*folders); !last.empty())
      e.message += fmt::format("; the daemon that ran last is that of --config {}", last);
    return tl::unexpected(std::move(e));
  }
  const Instance wanted = instance_of(*folders, *path);
  // Its lock says whether it runs, also where the note in it is spoilt.
  if (const auto note = FileLock::holder(wanted.lock_file())) return Chosen{wanted, true, *note};
  return Chosen{wanted, false, nlohmann::json::object()};
}

bool has_file(const Instance& instance) {
  std::error_code error;
  return fs::exists(instance.config, error);
}

std::string no_daemon_text(const Instance& instance) {
  if (!has_file(instance))
    return fmt::format("no daemon runs for {}, and there is no such file; is --config right?",
                       instance.config);
  return fmt::format("no daemon runs for {}; start one with: docktor daemon start --config {}",
                     instance.config, instance.config);
}

std::optional<Chosen> need_daemon(const Cli& cli, int& exit_code) {
  auto chosen = choose_instance(cli);
  if (!chosen) {
    const bool usage = chosen.error().code == ErrorCode::kConflict;
    say(stderr, "docktor: {}{}\n", usage ? "" : "no daemon runs, and ", chosen.error().message);
    exit_code = usage ? kExitUsage : kExitNotRunning;
    return std::nullopt;
  }
  if (!chosen->running) {
    say(stderr, "docktor: {}\n", no_daemon_text(chosen->instance));
    exit_code = kExitNotRunning;
    return std::nullopt;
  }
  return *chosen;
}

}  // namespace docktor
