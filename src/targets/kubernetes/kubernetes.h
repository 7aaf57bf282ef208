// The `kubernetes` target: pods of a workload whose number of replicas docktor sets through its /scale.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/led.h"
#include "core/target.h"
#include "targets/kubernetes/cluster.h"
#include "targets/kubernetes/kubernetes_spec.h"

namespace docktor {

struct KubernetesOptions {
  std::string service;
  KubernetesSpec spec;
  std::string state_directory;  ///< for <service>.kubernetes.json: whether a person had scaled it to 0
  std::function<void()>
      on_change;  ///< the report may differ now; called from the cluster's loop, must not block
};

/// The number is the workload's own: docktor reads and patches /scale, and the cluster's controllers make, place and end the
/// pods. Each order carries the resourceVersion that its decision rests on; a conflict (any change meanwhile, a status of a roll-out
/// too) is answered with kConflict. While a HorizontalPodAutoscaler or a ScaledObject names the workload the target holds.
///
/// What is known comes from watches that all services of a namespace share. Without the right to watch workloads, /scale is read
/// again every two seconds. No answer from the API server is `problem`: nothing is decided on what was known before.
class KubernetesTarget final : public Target, public Led {
 public:
  /// `cluster` and `clock` outlive this.
  KubernetesTarget(KubernetesOptions options, KubeCluster& cluster, const Clock& clock);
  ~KubernetesTarget() override;

  void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) override;
  TargetReport report() override;
  void resume() override;
  void follow() override;
  void lead(const Lease& lease, const LedBefore& before) override;
  std::vector<Finding> check() override;

 private:
  class Service;
  const KubernetesSpec spec_;
  KubeCluster& cluster_;
  std::shared_ptr<Service> service_;
};

}  // namespace docktor
