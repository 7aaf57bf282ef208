#include "targets/compose/compose_project.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "docker/container.h"
#include "targets/compose/compose_file.h"
#include "targets/compose/compose_yaml.h"

namespace docktor {
namespace {

std::vector<std::string> comma_list(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < text.size();) {
    const auto comma = std::min(text.find(',', from), text.size());
    if (comma > from) out.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return out;
}

// Where docktor runs in a container its host name is the container's short id, unless somebody chose another.
std::string own_project(DockerEngine& engine, const std::stop_token& stop) {
  std::error_code ec;
  if (!std::filesystem::exists("/.dockerenv", ec)) return {};
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  const auto self = engine.inspect(name.data(), stop);
  return self ? label(at(*self, "/Config/Labels"), "com.docker.compose.project") : "";
}

}  // namespace

Result<std::string> find_project(DockerEngine& engine, const ComposeSpec& spec, const std::stop_token& stop) {
  if (!spec.project.empty()) return spec.project;
  const auto derived = derive_project_name(spec.compose_file, &std::getenv);
  const auto all = engine.containers({"com.docker.compose.project"}, stop);
  if (!all) return tl::unexpected<Error>(all.error());
  std::set<std::string> from_this_file;
  // The same file by another path (a link to the release, a bind mount): where two projects are, the one that
  // names it as we do.
  const auto same_file = [&](const std::string& path) {
    std::error_code ec;
    return path == spec.compose_file || std::filesystem::equivalent(path, spec.compose_file, ec);
  };
  std::set<std::string> by_the_same_path;
  for (const auto& c : *all) {
    const auto& labels = at(c, "/Labels");
    for (const auto& f : comma_list(label(labels, "com.docker.compose.project.config_files"))) {
      // Compose v1 writes the file as it was given, against the working directory.
      const auto directory = label(labels, "com.docker.compose.project.working_dir");
      const auto path = f.starts_with("/") ? f : directory + "/" + f;
      const auto project = label(labels, "com.docker.compose.project");
      if (path == spec.compose_file) by_the_same_path.insert(project);
      if (same_file(path)) from_this_file.insert(project);
    }
  }
  if (by_the_same_path.size() == 1) return *by_the_same_path.begin();
  if (from_this_file.size() == 1) return *from_this_file.begin();
  if (from_this_file.size() > 1) {
    if (from_this_file.contains(derived)) return derived;
    return fail(ErrorCode::kInvalid,
                fmt::format("{} runs as several projects ({}): say which one with `project:`",
                            spec.compose_file, fmt::join(from_this_file, ", ")));
  }
  if (const auto own = own_project(engine, stop); !own.empty()) return own;
  if (derived.empty()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("no project name can be made of {}: write it as `project:`", spec.compose_file));
  }
  return derived;
}

Result<std::vector<std::string>> compose_identities(DockerEngine& engine, const std::string& project,
                                                    const std::string& service, const std::stop_token& stop) {
  auto all = engine.identities(stop);
  if (!all) return all;
  for (auto& one : *all) one = fmt::format("compose|{}|{}|{}", one, project, service);
  return all;
}

Result<int> count_compose_replicas(DockerEngine& engine, const std::string& service, const ComposeSpec& spec,
                                   const std::stop_token& stop) {
  const auto project = find_project(engine, spec, stop);
  if (!project) return tl::unexpected(project.error());
  const auto rows = engine.containers(
      {"com.docker.compose.project=" + *project, "com.docker.compose.service=" + service}, stop);
  if (!rows) return tl::unexpected(rows.error());
  int n = 0;
  for (const auto& row : *rows) {
    const auto& labels = at(row, "/Labels");
    n += label(labels, "com.docker.compose.oneoff") != "True" && text_at(row, "/State") == "running";
  }
  return n;
}

ComposeDeployment deployment_of(const nlohmann::json& labels, const std::string& project,
                                const ComposeSpec& spec) {
  ComposeDeployment d;
  d.project = project;
  d.directory = label(labels, "com.docker.compose.project.working_dir");
  d.files = comma_list(label(labels, "com.docker.compose.project.config_files"));
  d.env_files = comma_list(label(labels, "com.docker.compose.project.environment_file"));
  if (d.files.empty() && !spec.compose_file.empty()) d.files = files_with_override(spec.compose_file);
  if (d.directory.empty() && !spec.compose_file.empty()) {
    d.directory = std::filesystem::path(spec.compose_file).parent_path().string();
  }
  for (auto& f : d.files) {
    if (!f.starts_with("/") && !d.directory.empty()) f = d.directory + "/" + f;
  }
  return d;
}

}  // namespace docktor
