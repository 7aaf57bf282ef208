#include "targets/compose/compose_cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "os/run_command.h"
#include "targets/compose/compose_env.h"
#include "targets/compose/compose_yaml.h"

namespace docktor {
namespace {

using nlohmann::json;

constexpr auto kAsk = std::chrono::seconds(20);
constexpr std::size_t kMostModel = 8 << 20;

std::vector<std::string> compose_command(const ComposeDeployment& d, bool v1) {
  std::vector<std::string> argv;
  if (v1)
    argv = {"docker-compose"};
  else
    argv = {"docker", "compose"};
  const auto add = [&](auto... text) { (argv.emplace_back(text), ...); };
  add("-p", d.project);
  if (!d.directory.empty()) add("--project-directory", d.directory);
  for (const auto& f : d.files) add("-f", f);
  for (const auto& f : d.env_files) add("--env-file", f);
  return argv;
}

// The command's last words in one line.
std::string last_words(std::string output) {
  constexpr std::size_t kShown = 400;
  std::string line;
  for (std::size_t from = 0; from < output.size();) {
    const auto end = std::min(output.find('\n', from), output.size());
    auto words = std::string_view(output).substr(from, end - from);
    while (!words.empty() && (words.back() == ' ' || words.back() == '\r')) words.remove_suffix(1);
    while (!words.empty() && words.front() == ' ') words.remove_prefix(1);
    // What Compose warns of (variables that are not set) is not why it failed.
    if (!words.empty() && words.find("level=warning") == std::string_view::npos)
      line += (line.empty() ? "" : "; ") + std::string(words);
    from = end + 1;
  }
  return line.size() > kShown ? "..." + line.substr(line.size() - kShown) : line;
}

Result<json> ask_compose(const ComposeDeployment& d, const std::map<std::string, std::string>& environment,
                         const std::stop_token& stop) {
  auto argv = compose_command(d, false);
  // No variables: the answer then holds no passwords, and a variable that is not set here does no harm.
  for (const char* word : {"--profile", "*", "config", "--format", "json", "--no-interpolate"})
    argv.emplace_back(word);
  const auto r = run_command({.command = argv, .directory = d.directory, .environment = environment}, kAsk,
                             stop, kMostModel);
  if (!r) return tl::unexpected<Error>(r.error());
  if (r->status != 0) return fail(ErrorCode::kInvalid, last_words(r->output));
  // Warnings come before it, on the same pipe.
  const auto begin = r->output.starts_with("{") ? 0 : r->output.find("\n{");
  auto model =
      begin == std::string::npos
          ? json()
          : json::parse(r->output.substr(r->output[begin] == '\n' ? begin + 1 : begin), nullptr, false);
  if (!model.is_object()) return fail(ErrorCode::kInternal, "its answer is not JSON");
  return model;
}

}  // namespace

std::vector<std::string> compose_scale_command(const ComposeDeployment& d, const std::string& service,
                                               int replicas, bool v1) {
  auto argv = compose_command(d, v1);
  const auto add = [&](auto... text) { (argv.emplace_back(text), ...); };
  add("up", "-d", "--no-deps", "--no-recreate", "--no-build");
  if (!v1) add("--pull", "never");
  add("--scale", fmt::format("{}={}", service, replicas), service);
  return argv;
}

Result<std::vector<std::string>> find_compose(const std::map<std::string, std::string>& environment,
                                              const std::stop_token& stop) {
  const auto works = [&](std::vector<std::string> argv) {
    argv.emplace_back("version");
    const auto r =
        run_command({.command = std::move(argv), .environment = environment}, std::chrono::seconds(20), stop);
    return r && r->status == 0;
  };
  if (works({"docker", "compose"})) return std::vector<std::string>{"docker", "compose"};
  if (works({"docker-compose"})) return std::vector<std::string>{"docker-compose"};
  return fail(ErrorCode::kNotFound,
              "there is neither `docker compose` nor `docker-compose` here: install docker-compose-plugin");
}

std::map<std::string, std::string> compose_environment(
    const std::map<std::string, std::string>& cli_environment) {
  std::map<std::string, std::string> out;
  for (char** e = ::environ; e && *e; ++e) {
    const std::string_view entry = *e;
    const auto equals = entry.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    const auto name = entry.substr(0, equals);
    const bool systemd =
        name == "NOTIFY_SOCKET" || name.starts_with("WATCHDOG_") || name.starts_with("LISTEN_");
    if (!systemd) out.emplace(name, entry.substr(equals + 1));
  }
  for (const auto& [key, value] : cli_environment) out[key] = value;
  return out;
}

Result<ComposeFiles> read_deployment(const ComposeDeployment& deployment,
                                     const std::map<std::string, std::string>& environment,
                                     const std::stop_token& stop) {
  if (deployment.files.empty()) return fail(ErrorCode::kNotFound, "no Compose file is known");
  if (const auto asked = ask_compose(deployment, environment, stop)) return read_compose_model(*asked);
  const auto loaded = load_compose_model(deployment.files);
  if (!loaded) return tl::unexpected<Error>(loaded.error());
  auto files = read_compose_model(loaded->model);
  files.complete = loaded->complete;
  return files;
}

Result<std::string> deployed_hash(const ComposeDeployment& deployment, const std::string& service,
                                  const std::map<std::string, std::string>& environment,
                                  const std::stop_token& stop) {
  if (deployment.files.empty()) return fail(ErrorCode::kNotFound, "no Compose file is known");
  auto argv = compose_command(deployment, false);
  for (const auto& word :
       {std::string("--profile"), std::string("*"), std::string("config"), std::string("--hash"), service})
    argv.push_back(word);
  const auto r = run_command({.command = argv, .directory = deployment.directory, .environment = environment},
                             kAsk, stop, kMostModel);
  if (!r) return tl::unexpected<Error>(r.error());
  if (r->status != 0) return fail(ErrorCode::kInvalid, last_words(r->output));
  // Warnings come before it, on the same pipe.
  const auto at = ("\n" + r->output).rfind("\n" + service + " ");
  if (at == std::string::npos) return fail(ErrorCode::kInternal, "its answer has no hash");
  const auto from = at + service.size() + 1;
  return r->output.substr(from, r->output.find_first_of(" \r\n", from) - from);
}

std::string missing_variable(const ComposeFileService& service, const ComposeDeployment& deployment,
                             const std::map<std::string, std::string>& environment) {
  auto files = deployment.env_files;
  if (files.empty()) files.push_back(deployment.directory + "/.env");
  const auto variables = project_variables(files, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
  for (const auto& use : service.uses) {
    if (use.variable.empty() || variables(use.variable)) continue;
    return fmt::format(
        "{} {} comes from the variable {}, which is not set for docktor: set it where docktor is "
        "started, or in {}",
        use.kind, use.name, use.variable, files.front());
  }
  return "";
}

Result<void> run_compose_scale(const ComposeDeployment& deployment, const std::string& service, int replicas,
                               const std::map<std::string, std::string>& environment, Duration timeout,
                               const std::stop_token& stop) {
  const auto which = find_compose(environment, stop);
  if (!which) return tl::unexpected<Error>(which.error());
  const auto argv = compose_scale_command(deployment, service, replicas, which->size() == 1);
  const auto r = run_command({.command = argv, .directory = deployment.directory, .environment = environment},
                             timeout, stop);
  if (!r) return tl::unexpected<Error>(r.error());
  if (r->status == 0) return {};
  return fail(
      ErrorCode::kInternal,
      fmt::format("`{}` ended with status {}: {}", fmt::join(argv, " "), r->status, last_words(r->output)),
      true);
}

}  // namespace docktor
