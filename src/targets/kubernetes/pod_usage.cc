#include "targets/kubernetes/pod_usage.h"

#include <utility>

namespace docktor {
namespace {

Reading reading_of(const std::vector<Replica>& replicas, const KubeCluster::Metrics& metrics,
                   const std::map<std::string, KubePod>& pods) {
  Reading r;
  r.usage.emplace();
  for (const auto& replica : replicas) {
    if (replica.state != ReplicaState::kReady) continue;
    const auto m = metrics.find(replica.id);
    if (m == metrics.end()) {
      r.usage_is_partial = true;
      continue;
    }
    ReplicaUsage u{.id = replica.id, .cpu = m->second.cpu, .mem = m->second.mem};
    if (const auto pod = pods.find(replica.id); pod != pods.end()) {
      if (pod->second.cpu_limit > 0) u.cpu_limit_pct = m->second.cpu / pod->second.cpu_limit;
      if (pod->second.mem_limit > 0) u.mem_limit_pct = 100 * m->second.mem / pod->second.mem_limit;
    }
    r.usage->push_back(std::move(u));
  }
  return r;
}

}  // namespace

void PodUsageSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  cluster_.client().loop().post([&cluster = cluster_, ns = namespace_, replicas = request.replicas,
                                 done = std::move(done)]() mutable {
    const auto pods = cluster.pods(ns);
    cluster.metrics(ns, [replicas = std::move(replicas), pods, done = std::move(done)](const auto& metrics) {
      done(metrics ? Result<Reading>(reading_of(replicas, *metrics, pods->all()))
                   : Result<Reading>(metrics.error()));
    });
  });
}

std::vector<Finding> PodUsageSource::check(Duration) { return {}; }

}  // namespace docktor
