#include "targets/compose/compose_choice.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "core/victims.h"

namespace docktor {

std::vector<std::string> never_healthy(const ComposeService& service) {
  std::vector<std::string> out;
  for (const auto& [id, t] : service.containers()) {
    if (t.mine && !t.stopping && !t.was_ready && t.c.alive() && t.c.health == Health::kUnhealthy)
      out.push_back(id);
  }
  return out;
}

std::vector<std::string> reusable(const ComposeService& service, const std::string& config_hash,
                                  const std::string& image_id) {
  std::vector<const TrackedContainer*> all;
  for (const auto& [id, t] : service.containers()) {
    const bool ended = t.c.state == ContainerState::kExited && !t.next_start && !t.starting;
    const bool left_behind = t.c.state == ContainerState::kCreated && t.told_of_leftover;
    if (!t.stopping && (ended || left_behind) && t.c.config_hash == config_hash && t.c.image_id == image_id) {
      all.push_back(&t);
    }
  }
  std::ranges::sort(all, {}, [](const TrackedContainer* t) { return t->c.number; });
  std::vector<std::string> out;
  out.reserve(all.size());
  for (const auto* t : all) out.push_back(t->c.id);
  return out;
}

std::string best_template(const ComposeService& service) {
  const TrackedContainer* best = nullptr;
  const auto rank = [](const TrackedContainer& t) {
    const int quality = t.state == ReplicaState::kReady ? 2 : t.c.alive() ? 1 : 0;
    return std::tuple(t.stopping ? 0 : 1, quality, t.c.created, t.c.number);
  };
  for (const auto& [id, t] : service.containers()) {
    if (t.c.name.empty() || t.c.replacing || t.c.state == ContainerState::kDead ||
        t.c.state == ContainerState::kRemoving)
      continue;
    if (!best || rank(*best) < rank(t)) best = &t;
  }
  return best ? best->c.id : "";
}

std::vector<std::string> victims(const ComposeService& service, std::size_t how_many,
                                 const std::string& config_hash, const std::string& image_id,
                                 const std::map<std::string, double>& busyness, Time now) {
  std::vector<Candidate> candidates;
  for (const auto& [id, t] : service.containers()) {
    if (t.stopping || !t.is_replica()) continue;
    const auto state = service.state_of(t, now);
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

std::vector<std::string> due_starts(const ComposeService& service, Time now) {
  std::vector<std::string> out;
  if (!service.stopped_by_hand().empty() || !service.unrest().empty()) return out;
  for (const auto& [id, t] : service.containers()) {
    if (!t.stopping && t.next_start && *t.next_start <= now && t.c.ended()) out.push_back(id);
  }
  return out;
}

std::optional<Time> next_start(const ComposeService& service) {
  std::optional<Time> next;
  for (const auto& [id, t] : service.containers()) {
    if (!t.stopping && t.next_start && (!next || *t.next_start < *next)) next = t.next_start;
  }
  return next;
}

std::set<std::string> stopping_ids(const ComposeService& service) {
  std::set<std::string> out;
  for (const auto& [id, t] : service.containers()) {
    if (t.stopping) out.insert(id);
  }
  return out;
}

int highest_number(const ComposeService& service) {
  int n = 0;
  for (const auto& [id, t] : service.containers()) n = std::max(n, t.c.number);
  return n;
}

}  // namespace docktor
