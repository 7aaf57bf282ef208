// Which containers of a service to take: to clone, to start again, to stop.
#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "core/victims.h"
#include "targets/compose/compose_service.h"

namespace docktor {

std::vector<std::string> ComposeService::never_healthy() const {
  std::vector<std::string> out;
  for (const auto& [id, t] : tracked_) {
    if (mine_.contains(id) && !t.stopping && !t.was_ready && t.c.alive() && t.c.health == Health::kUnhealthy)
      out.push_back(id);
  }
  return out;
}

std::vector<std::string> ComposeService::reusable(const std::string& config_hash,
                                                  const std::string& image_id) const {
  std::vector<const Tracked*> all;
  for (const auto& [id, t] : tracked_) {
    const bool ended = t.c.state == ContainerState::kExited && !t.next_start && !t.starting;
    const bool left_behind = t.c.state == ContainerState::kCreated && t.told_of_leftover;
    if (!t.stopping && (ended || left_behind) && t.c.config_hash == config_hash && t.c.image_id == image_id) {
      all.push_back(&t);
    }
  }
  std::ranges::sort(all, {}, [](const Tracked* t) { return t->c.number; });
  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto* t : all) out.push_back(t->c.id);
  return out;
}

std::string ComposeService::best_template() const {
  const Tracked* best = nullptr;
  const auto rank = [](const Tracked& t) {
    const int quality = t.state == ReplicaState::kReady ? 2 : t.c.alive() ? 1 : 0;
    return std::tuple(t.stopping ? 0 : 1, quality, t.c.created, t.c.number);
  };
  for (const auto& [id, t] : tracked_) {
    if (t.c.name.empty() || t.c.replacing || t.c.state == ContainerState::kDead ||
        t.c.state == ContainerState::kRemoving)
      continue;
    if (!best || rank(*best) < rank(t)) best = &t;
  }
  return best ? best->c.id : "";
}

std::vector<std::string> ComposeService::victims(std::size_t how_many, const std::string& config_hash,
                                                 const std::string& image_id,
                                                 const std::map<std::string, double>& busyness,
                                                 Time now) const {
  std::vector<Candidate> candidates;
  for (const auto& [id, t] : tracked_) {
    if (t.stopping || !is_replica(t)) continue;
    const auto state = state_of(t, now);
    const auto busy = busyness.find(t.c.name);
    candidates.push_back({.id = id,
                          .unhealthy = state == ReplicaState::kFailing || t.c.health == Health::kUnhealthy,
                          .outdated = t.c.config_hash != config_hash || t.c.image_id != image_id,
                          .starting = state == ReplicaState::kStarting,
                          .busy = busy == busyness.end() ? std::nullopt : std::optional<double>(busy->second),
                          .age_order = t.c.created.time_since_epoch().count(),
                          .number = t.c.number});
  }
  return docktor::victims(std::move(candidates), how_many);
}

}  // namespace docktor
