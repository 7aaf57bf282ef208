// CPU and memory of pods, as metrics.k8s.io tells them.
#pragma once

#include <string>
#include <vector>

#include "core/source.h"
#include "targets/kubernetes/cluster.h"

namespace docktor {

/// Pods that are too young to have any figures make the reading partial. Limits are those of the pods' containers, together.
class PodUsageSource final : public Source {
 public:
  /// `cluster` outlives this. `ns` may be empty: the access's.
  PodUsageSource(KubeCluster& cluster, const std::string& ns)
      : cluster_(cluster), namespace_(ns.empty() ? cluster.default_namespace() : ns) {}

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  KubeCluster& cluster_;
  const std::string namespace_;
};

}  // namespace docktor
