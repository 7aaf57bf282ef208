// Reaches a Compose service from the host: `nats://nats:4222` by the port it publishes, else by its
// container's address.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "docker/docker.h"

namespace docktor {

/// Thread-safe; blocks for seconds at most. A name that the host resolves by itself is left alone (docktor
/// runs in the project's network, or somebody has put it into /etc/hosts).
class ServiceAddress {
 public:
  /// `project` gives the project's name or why it is not known; called when needed.
  ServiceAddress(Docker& docker, std::function<Result<std::string>()> project)
      : docker_(docker), project_(std::move(project)) {}

  /// The URL with host and port replaced, or as it is when nothing is known that is better. Servers in a list
  /// separated by commas are looked at one by one; one without a port is at `port`.
  std::string resolve(const std::string& url, int port);

  /// For people: "nats://nats:4222 (via 127.0.0.1:4222)", without credentials; as it is where nothing was
  /// replaced. Does not block: what resolve() found last.
  std::string shown(const std::string& url);

 private:
  std::optional<std::string> address_of(const std::string& host, int port);

  Docker& docker_;
  std::function<Result<std::string>()> project_;
  std::mutex mutex_;
  std::map<std::string, std::string> via_;  // url → "127.0.0.1:4222"
};

/// "host:port" by which a running container of a service is reached on its port: the published one, else its
/// own address in a network. `engine_host` is the engine's own name where that is not this machine. Pure;
/// `row` is of GET /containers/json.
std::optional<std::string> reachable_address(const nlohmann::json& row, int port,
                                             const std::string& engine_host);

}  // namespace docktor
