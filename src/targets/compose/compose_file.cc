#include "targets/compose/compose_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "targets/compose/compose_env.h"
#include "targets/compose/compose_yaml.h"

namespace docktor {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const json& field(const json& map, const char* key) {
  static const json none;
  if (!map.is_object()) return none;
  const auto found = map.find(key);
  return found == map.end() ? none : *found;
}

// Numbers count as their text: `published: 8080`.
std::string scalar(const json& j) {
  if (j.is_string()) return j.get<std::string>();
  return j.is_number_integer() ? j.dump() : "";
}

// `name` is what is given, `external` what Compose does not make; both say where the content comes from.
ComposeFileUse use_of(const json& from, const std::string& kind, const json& all) {
  ComposeFileUse use;
  use.kind = kind;
  use.name = from.is_object() ? scalar(field(from, "source")) : scalar(from);
  use.path = from.is_object() ? scalar(field(from, "target")) : "";
  if (use.path.empty()) use.path = kind == "config" ? "/" + use.name : use.name;
  if (!use.path.starts_with("/")) use.path = (kind == "config" ? "/" : "/run/secrets/") + use.path;
  const auto& definition = field(all, use.name.c_str());
  use.variable = scalar(field(definition, "environment"));
  use.injected = !use.variable.empty() || !field(definition, "content").is_null();
  return use;
}

// "8080:80", "127.0.0.1:8080:80/tcp", "8000-8009:80"; a port alone lets the engine choose.
void port_traps(const json& service, const std::string& name, std::vector<Trap>& traps) {
  const auto& ports = field(service, "ports");
  if (!ports.is_array()) return;
  for (const auto& p : ports) {
    std::string published;
    if (p.is_object()) {
      published = scalar(field(p, "published"));
    } else {
      auto text = scalar(p);
      const auto inner = text.rfind(':');
      if (inner == std::string::npos || text.find('$') != std::string::npos) continue;
      text.resize(inner);
      const auto address = text.rfind(':');
      published = address == std::string::npos ? text : text.substr(address + 1);
    }
    if (published.empty() || published == "0" ||
        published.find_first_not_of("0123456789") != std::string::npos)
      continue;
    traps.push_back(
        {fmt::format("host port {} is fixed: only one container can have it", published),
         fmt::format(
             "in service {}, leave the host port out of ports or write a range, and let a proxy have the "
             "fixed one",
             name),
         1});
  }
}

void address_traps(const json& service, const std::string& name, std::vector<Trap>& traps) {
  const auto& networks = field(service, "networks");
  if (!networks.is_object()) return;
  for (const auto& [network, options] : networks.items()) {
    for (const char* key : {"ipv4_address", "ipv6_address"}) {
      const auto address = scalar(field(options, key));
      if (address.empty()) continue;
      traps.push_back({fmt::format("address {} in network {} is static: only one container can have it",
                                   address, network),
                       fmt::format("remove {} from service {}; others reach it by its name", key, name), 1});
    }
  }
}

ComposeFileService read_service(const std::string& name, const json& service, const json& model) {
  ComposeFileService out;
  if (const auto fixed = scalar(field(service, "container_name")); !fixed.empty()) {
    out.traps.push_back({fmt::format("container_name is '{}': two containers cannot have one name", fixed),
                         fmt::format("remove container_name from service {}", name), 1});
  }
  port_traps(service, name, out.traps);
  address_traps(service, name, out.traps);
  for (const auto& [kind, key] : {std::pair{"secret", "secrets"}, std::pair{"config", "configs"}}) {
    const auto& uses = field(service, key);
    if (!uses.is_array()) continue;
    for (const auto& u : uses) out.uses.push_back(use_of(u, kind, field(model, key)));
  }
  if (!field(service, "post_start").is_null()) {
    out.needs_cli = "its post_start hooks are run by the Compose command";
  } else if (field(service, "use_api_socket") == true || field(service, "use_api_socket") == "true") {
    out.needs_cli = "the Compose command gives it the engine's socket with credentials (use_api_socket)";
  }
  if (!field(service, "pre_stop").is_null()) {
    out.traps.push_back(
        {"pre_stop hooks are run by the Compose command only, not when docktor stops a replica",
         fmt::format("let the worker of service {} finish its work on SIGTERM instead", name),
         Trap::kNoLimit});
  }
  if (const auto& profiles = field(service, "profiles"); profiles.is_array()) {
    for (const auto& p : profiles) out.profiles.push_back(scalar(p));
  }
  return out;
}

}  // namespace

ComposeFiles read_compose_model(const json& model) {
  ComposeFiles files;
  files.name = scalar(field(model, "name"));
  const auto& services = field(model, "services");
  if (!services.is_object()) return files;
  for (const auto& [name, service] : services.items())
    files.services[name] = read_service(name, service, model);
  return files;
}

std::string normal_project_name(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const char l = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const bool plain = (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '_';
    if (plain && !(out.empty() && (l == '-' || l == '_'))) out += l;
  }
  return out;
}

std::string derive_project_name(const std::string& compose_file,
                                const std::function<const char*(const char*)>& getenv) {
  const auto folder = fs::path(compose_file).parent_path();
  const auto variables = project_variables({(folder / ".env").string()},
                                           [&](const std::string& name) -> std::optional<std::string> {
                                             const char* value = getenv(name.c_str());
                                             return value ? std::optional<std::string>(value) : std::nullopt;
                                           });
  if (const auto name = variables("COMPOSE_PROJECT_NAME"); name && !name->empty())
    return normal_project_name(*name);
  if (const auto loaded = load_compose_model(files_with_override(compose_file))) {
    const auto name = replace_variables(scalar(field(loaded->model, "name")), variables);
    if (auto normal = normal_project_name(name); !normal.empty()) return normal;
  }
  return normal_project_name(folder.filename().string());
}

}  // namespace docktor
