// Which containers of a service to take: to clone, to start again, to stop.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "targets/compose/compose_service.h"

namespace docktor {

/// Crashed ones whose pause is over, to be started again.
std::vector<std::string> due_starts(const ComposeService& service, Time now);
std::optional<Time> next_start(const ComposeService& service);

/// Containers docktor added that became unhealthy before they ever were ready.
std::vector<std::string> never_healthy(const ComposeService& service);

/// Ended ones that may be started instead of making a new one, as Compose does: same configuration and
/// image.
std::vector<std::string> reusable(const ComposeService& service, const std::string& config_hash,
                                  const std::string& image_id);

/// The best template among the containers: alive and ready before alive, newest first. Empty when there is
/// none.
std::string best_template(const ComposeService& service);

/// Whom to stop, in order: failing and unhealthy, outdated (against the template), least busy, newest.
std::vector<std::string> victims(const ComposeService& service, std::size_t how_many,
                                 const std::string& config_hash, const std::string& image_id,
                                 const std::map<std::string, double>& busyness, Time now);

std::set<std::string> stopping_ids(const ComposeService& service);
int highest_number(const ComposeService& service);

}  // namespace docktor
