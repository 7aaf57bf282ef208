#include "app/daemon_lease.h"

#include <utility>

namespace docktor {

Result<std::unique_ptr<KubernetesLease>> open_lease(const std::optional<LeaseSpec>& spec, const Clock& clock,
                                                    std::shared_ptr<spdlog::logger> log,
                                                    std::function<void()> on_change) {
  if (!spec) return std::unique_ptr<KubernetesLease>();
  auto access = find_kube_access({.kubeconfig = spec->kubeconfig, .context = spec->context});
  if (!access)
    return fail(access.error().code,
                "high_availability: " + access.error().message +
                    "; name the cluster there (kubeconfig:, context:), or run docktor in a pod");
  return std::make_unique<KubernetesLease>(
      KubernetesLease::Options{.spec = *spec,
                               .clock = clock,
                               .on_change = std::move(on_change),
                               .log =
                                   [log = std::move(log)](bool warning, const std::string& line) {
                                     if (warning)
                                       log->warn("⚠ {}", line);
                                     else
                                       log->info("{}", line);
                                   }},
      std::move(*access));
}

nlohmann::ordered_json leader_shown(const LeaseStanding& s) {
  nlohmann::ordered_json j = {{"leads", s.leads}};
  if (!s.leader.empty()) j["name"] = s.leader;
  j["epoch"] = s.epoch;
  return j;
}

}  // namespace docktor
