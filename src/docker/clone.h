// One more replica of a Compose service, made of a running one's description; and what would make that fail.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "docker/engine.h"

namespace docktor {

struct CloneRequest {
  const nlohmann::json& source;  ///< GET /containers/{id}/json of the template
  std::string name;              ///< of the new container
  int number = 0;                ///< its com.docker.compose.container-number
  std::string
      image;  ///< what to create from: the template's tag while it means the same image, else the image's id
  ApiVersion api = kOldestApi;
};

struct ClonePlan {
  nlohmann::json create;  ///< body of POST /containers/create
  std::vector<std::pair<std::string, nlohmann::json>>
      connect;  ///< network, body of POST /networks/{}/connect; before start
};

/// Everything of the template is kept as it is, unknown fields included, but for what belongs to one
/// container alone: host name and aliases made of its id, its own name, addresses and MAC addresses,
/// anonymous volumes, ContainerIDFile. What Compose then sees is one of its own replicas. The caller has seen
/// to the traps.
ClonePlan plan_clone(const CloneRequest& request);

/// Something about a service that hinders scaling it.
struct Trap {
  std::string what;
  std::string cure;
  int most_replicas = 1;  ///< more than this many cannot run; kNoLimit: only to be warned about
  static constexpr int kNoLimit = 1 << 30;
};

/// Every trap that can be seen in a container's description.
std::vector<Trap> find_traps(const nlohmann::json& inspect);

/// What stands before the number in the names of the service's containers: "nats-multi-consumer-" (Compose
/// v1: "_"). Empty when the container's name does not end in its number: container_name was set.
std::string name_stem(const nlohmann::json& inspect);

}  // namespace docktor
