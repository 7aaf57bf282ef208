// Where Docker is: found as its users expect (DOCKER_HOST and the TLS variables, the docker context, the
// usual sockets).
#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/result.h"
#include "os/http_client.h"

namespace docktor {

struct DockerEndpoint {
  std::string host;  ///< as Docker writes it: unix:///var/run/docker.sock, tcp://10.0.0.7:2376
  std::string
      found_by;  ///< "DOCKER_HOST", "docker context 'remote'", "the default socket", "the rootless socket"
  HttpServer server;
  std::map<std::string, std::string> cli_environment;  ///< makes the docker command speak to the same engine
};

/// What the search looks at; tests give their own.
struct DockerLookup {
  std::function<const char*(const char*)> getenv;
  std::string default_socket = "/var/run/docker.sock";
};

/// In the docker command's order: DOCKER_HOST, DOCKER_CONTEXT, the configuration's current context,
/// /var/run/docker.sock; then the rootless sockets. Looks at files only; whether an engine answers shows
/// later. The error lists what was tried and the cure. Thread-safe as far as `getenv` is.
Result<DockerEndpoint> find_docker(const DockerLookup& lookup);

}  // namespace docktor
