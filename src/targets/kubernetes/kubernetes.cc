#include "targets/kubernetes/kubernetes.h"

#include <utility>

#include "targets/kubernetes/kubernetes_check.h"
#include "targets/kubernetes/kubernetes_service.h"

namespace docktor {

KubernetesTarget::KubernetesTarget(KubernetesOptions options, KubeCluster& cluster, const Clock& clock)
    : spec_(options.spec),
      cluster_(cluster),
      service_(std::make_shared<Service>(std::move(options), cluster, clock)) {
  cluster_.client().loop().post([s = service_] { s->begin(); });
}

KubernetesTarget::~KubernetesTarget() {
  service_->close();
  cluster_.client().loop().post([s = std::move(service_)] { s->end(); });
}

void KubernetesTarget::scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) {
  cluster_.client().loop().post([s = service_, order = ScaleOrder(order), done = std::move(done)]() mutable {
    s->order(std::move(order), std::move(done));
  });
}

TargetReport KubernetesTarget::report() { return service_->report(); }

void KubernetesTarget::resume() {
  cluster_.client().loop().post([s = service_] { s->resume(); });
}

void KubernetesTarget::follow() {
  cluster_.client().loop().post([s = service_] { s->follow(); });
}

void KubernetesTarget::lead(const Lease& lease, const LedBefore& before) {
  cluster_.client().loop().post([s = service_, &lease, before] { s->lead(lease, before); });
}

std::vector<Finding> KubernetesTarget::check() { return check_kubernetes(cluster_, spec_); }

}  // namespace docktor
