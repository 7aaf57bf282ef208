#include "targets/compose/compose_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace docktor {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMostBytes = 4 << 20;

Result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return fail(ErrorCode::kNotFound,
                fmt::format("{} cannot be read: does it exist, and may docktor read it?", path));
  std::string text(kMostBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMostBytes)
    return fail(ErrorCode::kExhausted, fmt::format("{} is larger than {} bytes", path, kMostBytes));
  return text;
}

std::string scalar(const YAML::Node& n) { return n && n.IsScalar() ? n.Scalar() : ""; }

// The `<<` merge of a mapping, which yaml-cpp leaves alone.
YAML::Node field(const YAML::Node& map, const char* key) {
  if (!map || !map.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
  if (const auto own = map[key]) return own;
  const auto merged = map["<<"];
  if (merged && merged.IsMap()) return field(merged, key);
  if (merged && merged.IsSequence()) {
    for (const auto& m : merged) {
      if (const auto found = field(m, key)) return found;
    }
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

// Names of secrets or configs whose content the Compose command puts into containers itself.
std::set<std::string> inline_ones(const YAML::Node& root, const char* kind) {
  std::set<std::string> out;
  const auto all = root[kind];
  if (!all || !all.IsMap()) return out;
  for (const auto& entry : all) {
    if (field(entry.second, "environment") || field(entry.second, "content")) out.insert(scalar(entry.first));
  }
  return out;
}

std::string inline_use(const YAML::Node& service, const char* kind,
                       const std::set<std::string>& inline_names) {
  const auto uses = field(service, kind);
  if (!uses || !uses.IsSequence()) return {};
  for (const auto& u : uses) {
    const auto name = u.IsScalar() ? scalar(u) : scalar(field(u, "source"));
    if (inline_names.contains(name)) return name;
  }
  return {};
}

// "8080:80", "127.0.0.1:8080:80/tcp", "8000-8009:80"; a port alone lets the engine choose.
void port_traps(const YAML::Node& service, const std::string& name, std::vector<Trap>& traps) {
  const auto ports = field(service, "ports");
  if (!ports || !ports.IsSequence()) return;
  for (const auto& p : ports) {
    std::string published;
    if (p.IsMap()) {
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

void address_traps(const YAML::Node& service, const std::string& name, std::vector<Trap>& traps) {
  const auto networks = field(service, "networks");
  if (!networks || !networks.IsMap()) return;
  for (const auto& n : networks) {
    for (const char* key : {"ipv4_address", "ipv6_address"}) {
      const auto address = scalar(field(n.second, key));
      if (address.empty()) continue;
      traps.push_back({fmt::format("address {} in network {} is static: only one container can have it",
                                   address, scalar(n.first)),
                       fmt::format("remove {} from service {}; others reach it by its name", key, name), 1});
    }
  }
}

ComposeFileService read_service(const std::string& name, const YAML::Node& service,
                                const std::set<std::string>& secrets, const std::set<std::string>& configs) {
  ComposeFileService out;
  if (const auto fixed = scalar(field(service, "container_name")); !fixed.empty()) {
    out.traps.push_back({fmt::format("container_name is '{}': two containers cannot have one name", fixed),
                         fmt::format("remove container_name from service {}", name), 1});
  }
  port_traps(service, name, out.traps);
  address_traps(service, name, out.traps);
  if (const auto s = inline_use(service, "secrets", secrets); !s.empty()) {
    out.needs_cli = fmt::format("secret {} is put into containers by the Compose command", s);
  } else if (const auto c = inline_use(service, "configs", configs); !c.empty()) {
    out.needs_cli = fmt::format("config {} is put into containers by the Compose command", c);
  } else if (field(service, "post_start")) {
    out.needs_cli = "its post_start hooks are run by the Compose command";
  }
  if (field(service, "pre_stop")) {
    out.traps.push_back(
        {"pre_stop hooks are run by the Compose command only, not when docktor stops a replica",
         fmt::format("let the worker of service {} finish its work on SIGTERM instead", name),
         Trap::kNoLimit});
  }
  return out;
}

}  // namespace

Result<ComposeFiles> read_compose_files(const std::vector<std::string>& paths) {
  ComposeFiles files;
  std::vector<YAML::Node> roots;
  std::set<std::string> secrets, configs;
  for (const auto& path : paths) {
    const auto text = read_text(path);
    if (!text) return tl::unexpected<Error>(text.error());
    try {
      auto root = YAML::Load(*text);
      if (!root.IsMap())
        return fail(ErrorCode::kInvalid, fmt::format("{} is not a Compose file: it holds no mapping", path));
      secrets.merge(inline_ones(root, "secrets"));
      configs.merge(inline_ones(root, "configs"));
      if (root["include"]) files.complete = false;
      if (const auto name = scalar(root["name"]); !name.empty()) files.name = name;
      roots.push_back(std::move(root));
    } catch (const YAML::Exception& e) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}:{}:{}: {}", path, e.mark.line + 1, e.mark.column + 1, e.msg));
    }
  }
  try {
    for (const auto& root : roots) {
      const auto services = root["services"];
      if (!services || !services.IsMap()) continue;
      for (const auto& entry : services) {
        const auto name = scalar(entry.first);
        auto read = read_service(name, entry.second, secrets, configs);
        auto& slot = files.services[name];
        std::ranges::move(read.traps, std::back_inserter(slot.traps));
        if (slot.needs_cli.empty()) slot.needs_cli = std::move(read.needs_cli);
      }
    }
  } catch (const YAML::Exception& e) {
    return fail(ErrorCode::kInvalid, fmt::format("the Compose file makes no sense: {}", e.what()));
  }
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
  if (const char* name = getenv("COMPOSE_PROJECT_NAME"); name && *name) return normal_project_name(name);
  const auto folder = fs::path(compose_file).parent_path();
  if (const auto env = read_text((folder / ".env").string())) {
    constexpr std::string_view kKey = "COMPOSE_PROJECT_NAME=";
    for (std::size_t from = 0; from < env->size();) {
      const auto end = std::min(env->find('\n', from), env->size());
      std::string_view line(env->data() + from, end - from);
      while (!line.empty() &&
             (line.back() == '\r' || line.back() == ' ' || line.back() == '"' || line.back() == '\'')) {
        line.remove_suffix(1);
      }
      if (line.starts_with(kKey)) {
        line.remove_prefix(kKey.size());
        if (!line.empty() && (line.front() == '"' || line.front() == '\'')) line.remove_prefix(1);
        if (!line.empty()) return normal_project_name(line);
      }
      from = end + 1;
    }
  }
  if (const auto files = read_compose_files({compose_file}); files && !files->name.empty()) {
    auto name = files->name;
    // ${VAR:-default} is the one form that people use here.
    if (name.starts_with("${") && name.ends_with("}")) {
      const auto inner = name.substr(2, name.size() - 3);
      const auto split = inner.find(":-");
      const char* value = getenv(inner.substr(0, split).c_str());
      name = value && *value ? value : split == std::string::npos ? "" : inner.substr(split + 2);
    }
    if (!name.empty()) return normal_project_name(name);
  }
  return normal_project_name(folder.filename().string());
}

}  // namespace docktor
