#include "targets/kubernetes/kubernetes_kind.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "targets/kubernetes/kubernetes.h"
#include "targets/kubernetes/kubernetes_check.h"
#include "targets/kubernetes/kubernetes_keys.h"
#include "targets/kubernetes/pod_usage.h"

namespace docktor {

namespace {

// Where there is no cluster to be found (a kubeconfig that is not there): says so, and is asked again after a reload.
class NowhereTarget final : public Target {
 public:
  explicit NowhereTarget(Error why) : why_(std::move(why)) {}
  void scale(const ScaleOrder&, std::function<void(Result<std::string>)> done) override {
    done(tl::unexpected<Error>(why_));
  }
  TargetReport report() override {
    TargetReport r;
    r.problem = why_.message;
    return r;
  }
  std::vector<Finding> check() override {
    return {{Severity::kError, why_.message, "see docs/kubernetes.md"}};
  }

 private:
  const Error why_;
};

class KubernetesFactory final : public TargetFactory {
 public:
  explicit KubernetesFactory(const FactoryOptions& options) : options_(options) {}

  std::unique_ptr<Target> open(const ServiceSpec& spec, TargetOptions options) override {
    const auto s = spec_of(spec);
    auto cluster = cluster_of(s);
    if (!cluster) return std::make_unique<NowhereTarget>(cluster.error());
    KubernetesOptions o;
    o.service = spec.name;
    o.spec = s;
    // A dry run keeps nothing: what it sees is not what it did.
    if (!options.look_only) o.state_directory = options_.state_dir + "/replicas";
    o.on_change = std::move(options.on_change);
    return std::make_unique<KubernetesTarget>(std::move(o), **cluster, options_.clock);
  }

  std::unique_ptr<Source> usage(const ServiceSpec& spec) override {
    auto cluster = cluster_of(spec_of(spec));
    if (!cluster) return nullptr;
    return std::make_unique<PodUsageSource>(**cluster, spec_of(spec).namespace_);
  }

  Result<int> count(const ServiceSpec& spec, const std::stop_token& stop) override {
    auto cluster = cluster_of(spec_of(spec));
    if (!cluster) return tl::unexpected<Error>(cluster.error());
    return count_kubernetes(**cluster, spec_of(spec), stop);
  }

  std::vector<Finding> check(const ServiceSpec& spec) override {
    auto cluster = cluster_of(spec_of(spec));
    if (!cluster)
      return {{Severity::kError, cluster.error().message,
               "name the cluster: kubeconfig: and context:, or run docktor in a pod"}};
    return check_kubernetes(**cluster, spec_of(spec));
  }

  std::string identity(const ServiceSpec& spec, const std::string&) override {
    const auto s = spec_of(spec);
    auto cluster = cluster_of(s);
    const auto where =
        cluster ? (*cluster)->client().access().server.base_url : s.kubeconfig + "|" + s.context;
    const auto ns = s.namespace_.empty() && cluster ? (*cluster)->default_namespace() : s.namespace_;
    return fmt::format("kubernetes|{}|{}|{}", where, ns, s.workload.shown());
  }

 private:
  static KubernetesSpec spec_of(const ServiceSpec& spec) {
    return KubernetesSpec::from(spec.target.settings, spec.name);
  }

  // One for each kubeconfig and context: its services share connections and watches.
  Result<KubeCluster*> cluster_of(const KubernetesSpec& s) {
    const std::lock_guard lock(mutex_);
    auto& slot = clusters_[{s.kubeconfig, s.context}];
    if (!slot) {
      auto access = find_kube_access({.kubeconfig = s.kubeconfig, .context = s.context});
      if (!access) return tl::unexpected<Error>(access.error());
      slot = std::make_unique<KubeCluster>(std::move(*access));
    }
    return slot.get();
  }

  const FactoryOptions options_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<KubeCluster>> clusters_;
};

}  // namespace

const TargetKind kKubernetesKind = {&kKubernetesKeys,
                                    [](const FactoryOptions& options) -> std::unique_ptr<TargetFactory> {
                                      return std::make_unique<KubernetesFactory>(options);
                                    }};

}  // namespace docktor
