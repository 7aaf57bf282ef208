#include "app/configuration.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "app/instances.h"
#include "app/kinds.h"
#include "app/terminal.h"
#include "config/load.h"
#include "core/text.h"

extern char** environ;

namespace docktor {
namespace {

Environment our_environment() {
  Environment env;
  for (char** e = environ; *e; ++e) {
    const std::string pair = *e;
    if (const auto eq = pair.find('='); eq != std::string::npos)
      env.emplace(pair.substr(0, eq), pair.substr(eq + 1));
  }
  return env;
}

FlagOverrides flags_of(const Cli& cli) {
  FlagOverrides flags;
  flags.cwd = cli.cwd;  // also for a reload: the daemon has left that folder
  if (!cli.service.empty()) flags.service = cli.service;
  if (!cli.interval.empty()) flags.interval = cli.interval;
  if (!cli.compose_file.empty()) flags.of_kinds["--compose-file"] = cli.compose_file;
  return flags;
}

LoadResult load(const Cli& cli, const std::string& path) {
  return load_config(all_kinds(), path, our_environment(), flags_of(cli));
}

}  // namespace

std::optional<Config> load_for(const Cli& cli, DaemonSpec* daemon) {
  const auto path = config_path(cli);
  if (!path) {
    say(stderr, "docktor: {}\n", path.error().message);
    return std::nullopt;
  }
  auto loaded = load(cli, cli.config ? *cli.config : *path);
  for (const auto& m : loaded.mistakes) say(stderr, "{}\n", m);
  if (!loaded.config) {
    say(stderr, "✗ {} error{}\n", loaded.mistakes.size(), loaded.mistakes.size() == 1 ? "" : "s");
  }
  if (daemon) *daemon = {loaded.http, loaded.notifications, loaded.host, loaded.lease};
  return std::move(loaded.config);
}

std::optional<Config> load_or_usual_for(const Cli& cli, const std::string& max_wait) {
  if (cli.config || find_config(cli.cwd)) return load_for(cli);
  const std::string text = fmt::format(
      R"(services:
  - name: consumer
    max_replicas: 100
    objective: {{{}}}
    queue: {{url: "nats://localhost:4222", stream: EVENTS, consumer: WORKERS}}
    target: {{kind: process, command: worker}}
)",
      max_wait.empty() ? "" : fmt::format("max_wait: {}", max_wait));
  Cli usual = cli;
  usual.service.clear();
  auto loaded =
      load_config_text(all_kinds(), text, "the usual service", cli.cwd, our_environment(), flags_of(usual));
  for (const auto& m : loaded.mistakes) say(stderr, "{}\n", m);
  if (loaded.config) {
    const auto& s = loaded.config->services.front();
    say(stderr, "note: no docktor.yaml here; a service with 1 to 100 replicas and max_wait {} is taken\n",
        short_duration(s.objective->max_wait));
  }
  return std::move(loaded.config);
}

Result<Config> reload_for(const Cli& cli, const std::string& path, DaemonSpec* daemon) {
  auto loaded = load(cli, path);
  if (loaded.config) {
    if (daemon) *daemon = {loaded.http, loaded.notifications, loaded.host, loaded.lease};
    if (cli.config) loaded.config->shown = *cli.config;
    return std::move(*loaded.config);
  }
  return fail(ErrorCode::kInvalid, fmt::format("{}", fmt::join(loaded.mistakes, "\n")));
}

std::vector<std::string> check_text(const Cli& cli, const std::string& path, const std::string& text) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  return load_config_text(all_kinds(), text, path, folder, our_environment(), flags_of(cli)).mistakes;
}

}  // namespace docktor
