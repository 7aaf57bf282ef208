#include "docker/endpoint.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <vector>

#include "core/json_text.h"
#include "docker/container.h"

namespace docktor {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMostContexts = 1000;
constexpr std::size_t kMostFile = 4 << 20;

std::string variable(const DockerLookup& lookup, const char* name) {
  const char* v = lookup.getenv(name);
  return v ? v : "";
}

std::optional<json> read_json(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text(kMostFile, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  auto j = parse_json(text);
  if (!j.is_object()) return std::nullopt;
  return j;
}

struct Tls {
  std::string folder;  // with ca.pem, cert.pem, key.pem
  bool wanted = false;
  bool verify = true;
};

Result<DockerEndpoint> endpoint_of(const std::string& host, const std::string& found_by, const Tls& tls) {
  DockerEndpoint e;
  e.host = host;
  e.found_by = found_by;
  e.cli_environment["DOCKER_HOST"] = host;
  if (host.starts_with("unix://")) {
    e.server = {.base_url = "http://localhost", .unix_socket = host.substr(7)};
    if (!e.server.unix_socket.starts_with("/")) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("{} says '{}': write an absolute path, unix:///run/docker.sock", found_by, host));
    }
    return e;
  }
  const auto scheme = host.substr(0, host.find("://"));
  if (host.find("://") == std::string::npos || (scheme != "tcp" && scheme != "http" && scheme != "https")) {
    if (scheme == "ssh") {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("{} says '{}': docktor does not open ssh connections itself; forward the socket with "
                      "`ssh -nNT -L /run/user/{}/remote-docker.sock:/var/run/docker.sock HOST` and set "
                      "DOCKER_HOST=unix:///run/user/{}/remote-docker.sock",
                      found_by, host, ::getuid(), ::getuid()));
    }
    return fail(
        ErrorCode::kInvalid,
        fmt::format("{} says '{}': docktor understands unix:///PATH and tcp://HOST:PORT", found_by, host));
  }
  auto rest = host.substr(scheme.size() + 3);
  while (rest.ends_with("/")) rest.pop_back();
  const bool secure = tls.wanted || scheme == "https";
  const auto bracket = rest.find(']');
  if (rest.find(':', bracket == std::string::npos ? 0 : bracket) == std::string::npos)
    rest += secure ? ":2376" : ":2375";
  e.server.base_url = fmt::format("{}://{}", secure ? "https" : "http", rest);
  if (secure) {
    const auto file = [&](const char* name) {
      const auto path = tls.folder.empty() ? std::string() : tls.folder + "/" + name;
      return !path.empty() && fs::exists(path) ? path : std::string();
    };
    e.server.ca_file = file("ca.pem");
    e.server.cert_file = file("cert.pem");
    e.server.key_file = file("key.pem");
    e.server.verify = tls.verify;
    if (tls.wanted) {
      if (tls.verify) e.cli_environment["DOCKER_TLS_VERIFY"] = "1";
      e.cli_environment["DOCKER_TLS"] = "1";
      e.cli_environment["DOCKER_CERT_PATH"] = tls.folder;
    }
  }
  return e;
}

// ~/.docker/contexts/meta/<sha256 of the name>/meta.json; comparing names spares us the hash.
Result<DockerEndpoint> from_context(const fs::path& config, const std::string& name) {
  const auto metas = config / "contexts" / "meta";
  const auto shown = fmt::format("docker context '{}'", name);
  std::error_code ec;
  std::size_t seen = 0;
  for (fs::directory_iterator it(metas, ec), end; !ec && it != end && seen < kMostContexts;
       it.increment(ec), ++seen) {
    const auto meta = read_json(it->path() / "meta.json");
    if (!meta || text_at(*meta, "/Name") != name) continue;
    const auto endpoints = meta->value("Endpoints", json::object());
    const auto docker = endpoints.is_object() ? endpoints.value("docker", json::object()) : json::object();
    const auto host = text_at(docker, "/Host");
    if (host.empty()) break;
    const auto folder = config / "contexts" / "tls" / it->path().filename() / "docker";
    const auto skip = docker.find("SkipTLSVerify");
    const bool skip_verify = skip != docker.end() && skip->is_boolean() && skip->get<bool>();
    return endpoint_of(
        host, shown,
        {.folder = folder.string(), .wanted = fs::exists(folder, ec) || skip_verify, .verify = !skip_verify});
  }
  return fail(ErrorCode::kNotFound, fmt::format("{} is not in {}: choose one of `docker context ls` with "
                                                "`docker context use NAME`, or set DOCKER_HOST",
                                                shown, metas.string()));
}

// Empty when the socket can be used; else why not.
std::string unusable(const std::string& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) return errno == EACCES ? "permission denied" : "no such file";
  if (!S_ISSOCK(s.st_mode)) return "not a socket";
  if (::access(path.c_str(), R_OK | W_OK) != 0) return "permission denied";
  return {};
}

}  // namespace

Result<DockerEndpoint> find_docker(const DockerLookup& lookup) {
  const auto home = variable(lookup, "HOME");
  auto config = variable(lookup, "DOCKER_CONFIG");
  if (config.empty() && !home.empty()) config = home + "/.docker";
  std::vector<std::string> tried;

  if (const auto host = variable(lookup, "DOCKER_HOST"); !host.empty()) {
    const auto verify = variable(lookup, "DOCKER_TLS_VERIFY");
    const auto certs = variable(lookup, "DOCKER_CERT_PATH");
    return endpoint_of(host, "DOCKER_HOST",
                       {.folder = certs.empty() ? config : certs,
                        .wanted = !verify.empty() || !certs.empty(),
                        .verify = !verify.empty()});
  }
  tried.emplace_back("DOCKER_HOST (not set)");

  auto context = variable(lookup, "DOCKER_CONTEXT");
  if (context.empty() && !config.empty()) {
    if (const auto j = read_json(config + "/config.json")) context = text_at(*j, "/currentContext");
  }
  if (!context.empty() && context != "default") return from_context(config, context);
  tried.emplace_back("docker context (default)");

  std::vector<std::pair<std::string, std::string>> sockets{{lookup.default_socket, "the default socket"}};
  if (const auto run = variable(lookup, "XDG_RUNTIME_DIR"); !run.empty()) {
    sockets.emplace_back(run + "/docker.sock", "the rootless socket");
  }
  if (!home.empty()) sockets.emplace_back(home + "/.docker/run/docker.sock", "Docker Desktop's socket");
  bool denied = false;
  for (const auto& [path, found_by] : sockets) {
    const auto why = unusable(path);
    if (why.empty()) return endpoint_of("unix://" + path, found_by, {});
    denied |= why == "permission denied";
    tried.push_back(fmt::format("{} ({})", path, why));
  }
  return fail(
      denied ? ErrorCode::kDenied : ErrorCode::kUnavailable,
      fmt::format(
          "no Docker found; tried {}. {}", fmt::join(tried, ", "),
          denied
              ? "Add yourself to the group docker (`sudo usermod -aG docker $USER`, then log in again), or "
                "run docktor as root"
              : "Start Docker (`sudo systemctl start docker`), mount its socket if docktor runs in a "
                "container, or set DOCKER_HOST"),
      true);
}

}  // namespace docktor
