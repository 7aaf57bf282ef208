#include "targets/compose/compose_cli.h"

#include <fmt/format.h>

#include "os/run_command.h"

namespace docktor {

std::vector<std::string> compose_scale_command(const ComposeDeployment& d, const std::string& service,
                                               int replicas, bool v1) {
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
  constexpr std::size_t kShown = 600;
  auto output = r->output.size() > kShown ? "..." + r->output.substr(r->output.size() - kShown) : r->output;
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return fail(ErrorCode::kInternal,
              fmt::format("`{}` ended with status {}: {}", fmt::join(argv, " "), r->status, output), true);
}

}  // namespace docktor
