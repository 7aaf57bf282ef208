// One cluster, as all services there share it: the API server, and one watch for each collection that one of them needs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kube/client.h"
#include "kube/collection.h"
#include "targets/kubernetes/facts.h"
#include "targets/kubernetes/kubernetes_spec.h"
#include "targets/kubernetes/pod.h"

namespace docktor {

class KubeCluster {
 public:
  using Pods = KubeCollection<KubePod>;
  using Workloads = KubeCollection<WorkloadFacts>;
  using Autoscalers = KubeCollection<OtherAutoscaler>;

  explicit KubeCluster(KubeAccess access, KubeWatchCare care = {})
      : care_(care), client_(std::move(access)) {}
  ~KubeCluster() { client_.stop(); }

  KubeClient& client() { return client_; }
  const std::string& default_namespace() const { return client_.access().namespace_; }

  // On the loop only. Each is made when first asked for, and goes with the last who holds it.
  std::shared_ptr<Pods> pods(const std::string& ns);
  std::shared_ptr<Workloads> workloads(const WorkloadName& w, const std::string& ns);
  std::shared_ptr<Autoscalers> hpas(const std::string& ns);
  std::shared_ptr<Autoscalers> scaled_objects(const std::string& ns);

  /// CPU and memory of all pods of the namespace that metrics.k8s.io knows, by name; at most five seconds old, so that
  /// hundreds of services ask once. `done` is called on the loop.
  using Metrics = std::map<std::string, PodMetrics>;
  using OnMetrics = std::function<void(const Result<Metrics>&)>;
  void metrics(const std::string& ns, OnMetrics done);

  /// Fills in what the name of a custom resource leaves open, and sees whether it has a /scale; asks the cluster where it must.
  /// `done` is called on the loop. Any thread.
  void resolve(WorkloadName w, std::function<void(Result<WorkloadName>)> done);

 private:
  template <class C, class Read>
  std::shared_ptr<C> shared(std::map<std::string, std::weak_ptr<C>>& known, const std::string& path,
                            Read read);

  struct KnownMetrics {
    EventLoop::SteadyTime at{};
    Result<Metrics> all = Metrics{};
    std::vector<OnMetrics> waiting;  // an answer is on its way
  };

  const KubeWatchCare care_;
  std::map<std::string, KnownMetrics> metrics_;      // by namespace
  std::map<std::string, std::weak_ptr<Pods>> pods_;  // by path
  std::map<std::string, std::weak_ptr<Workloads>> workloads_;
  std::map<std::string, std::weak_ptr<Autoscalers>> autoscalers_;
  KubeClient client_;  // last: its loop uses what stands above
};

/// "/apis/apps/v1/namespaces/shop/deployments"; of a known name. Pure.
std::string collection_path(const WorkloadName& w, const std::string& ns);
/// "/apis/apps/v1/namespaces/shop/deployments/web/scale". Pure.
std::string scale_path(const WorkloadName& w, const std::string& ns);
std::string pods_path(const std::string& ns);
std::string hpas_path(const std::string& ns);
std::string scaled_objects_path(const std::string& ns);

}  // namespace docktor
