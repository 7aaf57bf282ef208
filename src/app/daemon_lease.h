// The lease that several daemons with one configuration share, as the daemon holds it.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/clock.h"
#include "core/lease_spec.h"
#include "leases/kubernetes/kubernetes_lease.h"

namespace docktor {

/// nullptr where the configuration asks for none. `on_change` is called from any thread. The error says which cluster is
/// not to be found.
Result<std::unique_ptr<KubernetesLease>> open_lease(const std::optional<LeaseSpec>& spec, const Clock& clock,
                                                    std::shared_ptr<spdlog::logger> log,
                                                    std::function<void()> on_change);

/// For status: {"leads": true, "name": "docktor-1", "epoch": 3}.
nlohmann::ordered_json leader_shown(const LeaseStanding& standing);

}  // namespace docktor
