#include "docker/clone.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "docker/container.h"

namespace docktor {
namespace {

using nlohmann::json;

constexpr std::size_t kShortId = 12;

bool is_anonymous_volume(std::string_view source) {
  return source.size() == 64 && source.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

json object_at(const json& j, std::string_view pointer) {
  const auto& v = at(j, pointer);
  return v.is_object() ? v : json::object();
}

std::string name_of(const json& inspect) {
  auto name = text_at(inspect, "/Name");
  if (name.starts_with("/")) name.erase(0, 1);
  return name;
}

// "default" and "bridge" are the engine's own network, which takes no aliases; the others have no endpoint at
// all.
bool has_own_networks(const std::string& mode) {
  return mode != "default" && mode != "bridge" && mode != "host" && mode != "none" &&
         !mode.starts_with("container:");
}

json clone_config(const CloneRequest& r) {
  auto config = object_at(r.source, "/Config");
  config["Image"] = r.image;
  const auto id = text_at(r.source, "/Id");
  const auto mode = text_at(r.source, "/HostConfig/NetworkMode");
  const auto hostname = text_at(config, "/Hostname");
  if (hostname == id.substr(0, kShortId) || mode == "host" || mode.starts_with("container:"))
    config.erase("Hostname");
  if (mode.starts_with("container:")) config.erase("ExposedPorts");  // they belong to the other container
  config.erase("MacAddress");
  auto labels = object_at(config, "/Labels");
  labels["com.docker.compose.container-number"] = std::to_string(r.number);
  labels.erase("com.docker.compose.replace");
  config["Labels"] = std::move(labels);
  return config;
}

// After Compose recreated a container its anonymous volumes stand in Mounts (v1: Binds) by name, and a plain
// copy would share them with the template. Each replica gets new ones.
void detach_anonymous_volumes(json& host, json& config) {
  if (auto mounts = host.find("Mounts"); mounts != host.end() && mounts->is_array()) {
    for (auto& m : *mounts) {
      if (m.is_object() && text_at(m, "/Type") == "volume" && is_anonymous_volume(text_at(m, "/Source")))
        m.erase("Source");
    }
  }
  if (auto binds = host.find("Binds"); binds != host.end() && binds->is_array()) {
    json kept = json::array();
    for (const auto& b : *binds) {
      const auto text = b.is_string() ? b.get<std::string>() : "";
      const auto colon = text.find(':');
      if (colon != std::string::npos && is_anonymous_volume(text.substr(0, colon))) {
        const auto rest = text.substr(colon + 1);
        if (!config.contains("Volumes") || !config["Volumes"].is_object()) config["Volumes"] = json::object();
        config["Volumes"][rest.substr(0, rest.find(':'))] = json::object();
      } else {
        kept.push_back(b);
      }
    }
    *binds = kept.empty() ? json() : std::move(kept);
  }
}

// "/project-db-1:/project-web-1/db", as inspect shows it, is "project-db-1:db" to create.
void restore_links(json& host) {
  auto links = host.find("Links");
  if (links == host.end() || !links->is_array()) return;
  for (auto& l : *links) {
    if (!l.is_string()) continue;
    auto text = l.get<std::string>();
    const auto colon = text.find(':');
    const auto slash = text.rfind('/');
    if (!text.starts_with("/") || colon == std::string::npos || slash == std::string::npos || slash < colon)
      continue;
    l = text.substr(1, colon - 1) + ":" + text.substr(slash + 1);
  }
}

json clone_host_config(const CloneRequest& r, json& config) {
  auto host = object_at(r.source, "/HostConfig");
  host.erase("ContainerIDFile");
  detach_anonymous_volumes(host, config);
  restore_links(host);
  return host;
}

// Up to API 1.44 the engine adds the container's short id to the aliases; Compose adds its name. Both are the
// template's.
json clone_endpoint(const CloneRequest& r, const json& endpoint) {
  json out = json::object();
  for (const char* key : {"Links", "DriverOpts", "GwPriority"}) {
    if (const auto& v = at(endpoint, std::string("/") + key); !v.is_null()) out[key] = v;
  }
  const auto id = text_at(r.source, "/Id").substr(0, kShortId);
  const auto name = name_of(r.source);
  json aliases = json::array();
  aliases.push_back(r.name);
  if (const auto& all = at(endpoint, "/Aliases"); all.is_array()) {
    for (const auto& a : all) {
      if (a.is_string() && a != id && a != name && std::ranges::find(aliases, a) == aliases.end())
        aliases.push_back(a);
    }
  }
  out["Aliases"] = std::move(aliases);
  // An address of its own is a trap that the caller refused; all else of it may be shared.
  if (auto ipam = at(endpoint, "/IPAMConfig"); ipam.is_object()) {
    ipam.erase("IPv4Address");
    ipam.erase("IPv6Address");
    out["IPAMConfig"] = std::move(ipam);
  }
  return out;
}

}  // namespace

ClonePlan plan_clone(const CloneRequest& r) {
  ClonePlan plan;
  plan.create = clone_config(r);
  plan.create["HostConfig"] = clone_host_config(r, plan.create);
  const auto mode = text_at(r.source, "/HostConfig/NetworkMode");
  if (!has_own_networks(mode)) return plan;

  const auto networks = object_at(r.source, "/NetworkSettings/Networks");
  auto endpoints = json::object();
  for (const auto& [name, endpoint] : networks.items()) {
    const bool primary = name == mode || text_at(endpoint, "/NetworkID") == mode;
    if (primary || r.api >= ApiVersion{1, 44}) {
      endpoints[name] = clone_endpoint(r, endpoint);
    } else {
      plan.connect.emplace_back(name, json{{"EndpointConfig", clone_endpoint(r, endpoint)}});
    }
  }
  plan.create["NetworkingConfig"] = {{"EndpointsConfig", std::move(endpoints)}};
  return plan;
}

std::string name_stem(const json& inspect) {
  const auto name = name_of(inspect);
  const auto& labels = at(inspect, "/Config/Labels");
  const auto number = label(labels, "com.docker.compose.container-number");
  const auto service = label(labels, "com.docker.compose.service"),
             project = label(labels, "com.docker.compose.project");
  if (number.empty() || service.empty() || project.empty()) return {};
  // As Compose names them, while it replaces one with an id in front. A name of the user's own that ends alike
  // (container_name: worker-1) is none.
  for (const char* separator : {"-", "_"}) {
    const auto stem = project + separator + service + separator;
    if (name == stem + number || name.ends_with("_" + stem + number)) return stem;
  }
  return {};
}

namespace {

struct PortUse {
  int first = 0;
  int last = 0;
};

// "" and "0" let the engine choose; "8080" is one port, "8080-8090" a range.
std::optional<PortUse> host_port(const std::string& text) {
  const auto number = [](std::string_view t) {
    int n = 0;
    const auto [end, e] = std::from_chars(t.data(), t.data() + t.size(), n);
    return e == std::errc() && end == t.data() + t.size() ? n : 0;
  };
  const auto dash = text.find('-');
  if (dash == std::string::npos) {
    const int n = number(text);
    return n > 0 ? std::optional(PortUse{n, n}) : std::nullopt;
  }
  const PortUse p{number(std::string_view(text).substr(0, dash)),
                  number(std::string_view(text).substr(dash + 1))};
  return p.first > 0 && p.last >= p.first ? std::optional(p) : std::nullopt;
}

void find_port_traps(const json& inspect, const std::string& service, std::vector<Trap>& traps) {
  const auto& bindings = at(inspect, "/HostConfig/PortBindings");
  if (!bindings.is_object()) return;
  for (const auto& [port, all] : bindings.items()) {
    if (!all.is_array()) continue;
    for (const auto& b : all) {
      const auto use = host_port(text_at(b, "/HostPort"));
      if (!use) continue;
      const auto inner = port.substr(0, port.find('/'));
      if (use->first == use->last) {
        traps.push_back(
            {fmt::format("host port {} is fixed: only one container can have it", use->first),
             fmt::format("in service {}, write the port without a host port (ports: [\"{}\"]) or as a range "
                         "(\"{}-{}:{}\"), and let a proxy have the fixed one; then `docker compose up -d {}`",
                         service, inner, use->first, use->first + 9, inner, service),
             1});
      } else {
        const int size = use->last - use->first + 1;
        traps.push_back(
            {fmt::format("host ports {}-{} are for {} containers at most", use->first, use->last, size),
             fmt::format("widen the range in service {}, or set max_replicas to {}", service, size), size});
      }
    }
  }
}

}  // namespace

std::vector<Trap> find_traps(const json& inspect) {
  std::vector<Trap> traps;
  const auto service = label(at(inspect, "/Config/Labels"), "com.docker.compose.service");
  const auto up = fmt::format("; then `docker compose up -d {}`", service);
  if (name_stem(inspect).empty()) {
    traps.push_back(
        {fmt::format("container_name is '{}': two containers cannot have one name", name_of(inspect)),
         fmt::format("remove container_name from service {}{}", service, up), 1});
  }
  find_port_traps(inspect, service, traps);
  if (const auto& networks = at(inspect, "/NetworkSettings/Networks"); networks.is_object()) {
    for (const auto& [name, endpoint] : networks.items()) {
      for (const char* key : {"/IPAMConfig/IPv4Address", "/IPAMConfig/IPv6Address"}) {
        const auto address = text_at(endpoint, key);
        if (address.empty()) continue;
        traps.push_back(
            {fmt::format("address {} in network {} is static: only one container can have it", address, name),
             fmt::format(
                 "remove ipv4_address and ipv6_address from service {}{}; others reach it by its name",
                 service, up),
             1});
      }
    }
  }
  const auto mode = text_at(inspect, "/HostConfig/NetworkMode");
  if (mode == "host" || mode.starts_with("container:")) {
    traps.push_back(
        {fmt::format(
             "network_mode is {}: all replicas share one set of ports, and a port that each of them opens "
             "stops the second one",
             mode == "host" ? "host" : "another container's"),
         "harmless for workers that listen on no port; else give the service a network of its own",
         Trap::kNoLimit});
  }
  if (!text_at(inspect, "/Config/MacAddress").empty() && mode != "host") {
    traps.push_back(
        {"mac_address is set: replicas that docktor adds get one of their own instead",
         fmt::format("remove mac_address from service {} to have no difference between replicas", service),
         Trap::kNoLimit});
  }
  return traps;
}

}  // namespace docktor
