// What `config validate` says of a lease: whether it can be had, who has it, and which rights lack.
#include <fmt/format.h>

#include "kube/rights.h"
#include "leases/kubernetes/kubernetes_lease.h"

namespace docktor {

std::vector<Finding> check_kubernetes_lease(const LeaseSpec& spec) {
  auto access = find_kube_access({.kubeconfig = spec.kubeconfig, .context = spec.context});
  if (!access)
    return {{Severity::kError, access.error().message,
             "name the cluster: kubeconfig: and context:, or run docktor in a pod"}};
  std::vector<Finding> out;
  const auto ns = spec.namespace_.empty() ? access->namespace_ : spec.namespace_;
  KubeClient client(std::move(*access));
  const std::vector<KubeRight> rights = {
      {"coordination.k8s.io",
       "leases",
       "",
       {"get", "create", "update"},
       true,
       "no docktor leads, and nothing is scaled"},
      {"",
       "configmaps",
       "",
       {"get", "create", "patch"},
       false,
       "a new leader knows nothing of pauses and bounds that people set, nor what was learned"}};
  if (!check_rights(client, rights, ns, out)) return out;
  const auto a = client.call(
      {.path = fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{}", ns, spec.name)});
  if (!a.ok() && a.status != 404) return {{Severity::kError, a.error->message, "see docs/kubernetes.md"}};
  const auto record = a.ok() ? read_lease(a.body) : Result<LeaseRecord>(LeaseRecord{});
  const auto holder = record ? holder_name(record->holder) : std::string();
  out.push_back({Severity::kOk,
                 holder.empty() ? fmt::format("lease {} in namespace {}: nobody leads", spec.name, ns)
                                : fmt::format("lease {} in namespace {}: {} leads", spec.name, ns, holder),
                 ""});
  return out;
}

}  // namespace docktor
