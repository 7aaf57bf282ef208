#include "docker/service_address.h"

#include <fmt/format.h>
#include <netdb.h>

#include <charconv>
#include <memory>
#include <set>

#include "core/text.h"
#include "docker/container.h"

namespace docktor {

using nlohmann::json;

namespace {

bool resolves_here(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int rc = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (rc == 0) ::freeaddrinfo(found);
  return rc == 0;
}

struct Server {
  std::string before;  // scheme and credentials
  std::string host;
  int port = 0;
  std::string after;
};

std::optional<Server> split(const std::string& url, int port = 0) {
  Server s;
  s.port = port;
  const auto scheme = url.find("://");
  auto from = scheme == std::string::npos ? 0 : scheme + 3;
  const auto end = std::min(url.find('/', from), url.size());
  if (const auto user = url.rfind('@', end); user != std::string::npos && user >= from) from = user + 1;
  auto address = url.substr(from, end - from);
  if (address.empty() || address.front() == '[') return std::nullopt;  // an IPv6 address is no service
  if (const auto colon = address.find(':'); colon != std::string::npos) {
    const auto* begin = address.data() + colon + 1;
    const auto [last, e] = std::from_chars(begin, address.data() + address.size(), s.port);
    if (e != std::errc() || last != address.data() + address.size()) return std::nullopt;
    address.resize(colon);
  }
  s.before = url.substr(0, from);
  s.host = address;
  s.after = url.substr(end);
  return s;
}

}  // namespace

std::optional<std::string> reachable_address(const json& row, int port, const std::string& engine_host) {
  if (text_at(row, "/State") != "running") return std::nullopt;
  if (const auto& ports = at(row, "/Ports"); ports.is_array()) {
    for (const auto& p : ports) {
      const auto& inner = at(p, "/PrivatePort");
      const auto& outer = at(p, "/PublicPort");
      if (!inner.is_number_integer() || !outer.is_number_integer() || inner.get<int>() != port) continue;
      if (text_at(p, "/Type") == "udp") continue;
      auto ip = text_at(p, "/IP");
      if (ip == "::" || ip.find(':') != std::string::npos) continue;  // its IPv4 twin stands beside it
      if (ip.empty() || ip == "0.0.0.0") ip = engine_host.empty() ? "127.0.0.1" : engine_host;
      return fmt::format("{}:{}", ip, outer.get<int>());
    }
  }
  if (!engine_host.empty()) return std::nullopt;  // addresses of containers mean nothing on another machine
  if (const auto& networks = at(row, "/NetworkSettings/Networks"); networks.is_object()) {
    for (const auto& [name, endpoint] : networks.items()) {
      if (const auto ip = text_at(endpoint, "/IPAddress"); !ip.empty()) return fmt::format("{}:{}", ip, port);
    }
  }
  return std::nullopt;
}

std::optional<std::string> ServiceAddress::address_of(const std::string& host, int port) {
  const auto project = project_();
  const auto engine = docker_.engine().connect();
  if (!project || !engine) return std::nullopt;
  const auto rows =
      docker_.engine().containers({"com.docker.compose.project=" + *project,
                                   "com.docker.compose.service=" + host, "com.docker.compose.oneoff=False"});
  if (!rows) return std::nullopt;
  std::string engine_host;
  if (engine->endpoint.server.unix_socket.empty()) {
    if (const auto s = split(engine->endpoint.server.base_url)) engine_host = s->host;
  }
  if (engine_host == "localhost") engine_host.clear();
  for (const auto& row : *rows) {
    if (auto address = reachable_address(row, port, engine_host)) return address;
  }
  return std::nullopt;
}

std::string ServiceAddress::resolve(const std::string& url, int port) {
  std::string out, via;
  for (std::size_t from = 0; from <= url.size();) {
    const auto end = std::min(url.find(',', from), url.size());
    const auto part = url.substr(from, end - from);
    std::optional<std::string> address;
    const auto server = split(part, port);
    if (server && !resolves_here(server->host)) address = address_of(server->host, server->port);
    if (!out.empty()) out += ",";
    out += address ? server->before + *address + server->after : part;
    if (address) via += (via.empty() ? "" : ", ") + *address;
    from = end + 1;
  }
  const std::lock_guard lock(mutex_);
  if (via.empty())
    via_.erase(url);
  else
    via_[url] = via;
  return out;
}

std::string ServiceAddress::shown(const std::string& url) {
  const std::lock_guard lock(mutex_);
  const auto found = via_.find(url);
  const auto safe = redacted_url(url);
  return found == via_.end() ? safe : fmt::format("{} (via {})", safe, found->second);
}

}  // namespace docktor
