// What `config validate` looks at: the API server, the workload, docktor's rights, other autoscalers.
#pragma once

#include <stop_token>
#include <vector>

#include "core/finding.h"
#include "core/result.h"
#include "targets/kubernetes/cluster.h"

namespace docktor {

/// Blocking, for seconds at most. Not on the cluster's loop.
std::vector<Finding> check_kubernetes(KubeCluster& cluster, const KubernetesSpec& spec);

/// The number of replicas as the workload has it now. Blocking.
Result<int> count_kubernetes(KubeCluster& cluster, const KubernetesSpec& spec, const std::stop_token& stop);

}  // namespace docktor
