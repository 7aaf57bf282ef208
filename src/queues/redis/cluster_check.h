// What `config validate` says of a queue that lies in a cluster.
#pragma once

#include <vector>

#include "core/finding.h"
#include "queues/redis/redis_router.h"
#include "queues/redis/redis_spec.h"

namespace docktor {

/// How many masters there are, and keys that a framework needs in one slot and that lie in several: docktor reads them
/// wherever they are, the framework's own commands fail there.
std::vector<Finding> cluster_findings(const RedisRouter::Cluster& cluster, const RedisSpec& spec);

}  // namespace docktor
