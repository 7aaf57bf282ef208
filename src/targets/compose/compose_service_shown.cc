// What a Compose service tells of its containers: which are replicas, in which state, and what is due for them.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/text.h"
#include "targets/compose/compose_service.h"

namespace docktor {

ReplicaState ComposeService::state_of(const TrackedContainer& t, Time now) const {
  if (t.stopping) return ReplicaState::kStopping;
  switch (t.c.state) {
    case ContainerState::kRestarting:
    case ContainerState::kExited:
    case ContainerState::kDead: {
      const auto ran = t.c.started && t.c.finished ? *t.c.finished - *t.c.started : Duration::zero();
      const bool done = t.crashes == 0 && t.c.exit_code == 0 && ran >= kDoneItsShare;
      return done ? ReplicaState::kStarting : ReplicaState::kFailing;
    }
    case ContainerState::kRunning:
      break;
    default:
      return ReplicaState::kStarting;
  }
  const auto ran = t.running_since ? now - *t.running_since : Duration::zero();
  // In the midst of a crash loop a container runs for a moment each time.
  if ((t.crashes > 0 || t.c.restarts > 0) && t.state == ReplicaState::kFailing && ran < care_.stable_after &&
      t.c.health != Health::kHealthy) {
    return ReplicaState::kFailing;
  }
  switch (t.c.health) {
    case Health::kHealthy:
      return ReplicaState::kReady;
    case Health::kStarting:
      return ReplicaState::kStarting;
    // An overloaded worker fails its check just when more of them are needed: only one that never was well is
    // failing.
    case Health::kUnhealthy:
      return t.was_ready ? ReplicaState::kStarting : ReplicaState::kFailing;
    case Health::kNone:
      return ran >= ready_after_ ? ReplicaState::kReady : ReplicaState::kStarting;
  }
  return ReplicaState::kStarting;
}

std::vector<Replica> ComposeService::fresh(Time now) const {
  std::vector<const TrackedContainer*> all;
  for (const auto& [id, t] : tracked_) {
    if (t.is_replica()) all.push_back(&t);
  }
  std::ranges::sort(all, [](const TrackedContainer* a, const TrackedContainer* b) {
    return std::tie(a->c.created, a->c.number, a->c.id) < std::tie(b->c.created, b->c.number, b->c.id);
  });
  std::vector<Replica> out;
  out.reserve(all.size());
  for (const auto* t : all) {
    out.push_back({.id = t->c.name.empty() ? t->c.id.substr(0, 12) : t->c.name,
                   .container = t->c.id,
                   .state = state_of(*t, now),
                   .since = t->since,
                   .restarts = t->c.restarts + t->crashes,
                   .note = t->note(now)});
  }
  return out;
}

std::vector<Replica> ComposeService::replicas(Time now) const {
  return unrest_.empty() ? fresh(now) : shown_;
}

std::vector<std::string> ComposeService::take_news() { return std::exchange(news_, {}); }

std::optional<Time> ComposeService::next_change(Time now) const {
  std::optional<Time> next;
  const auto consider = [&](Time at) {
    if (at > now && (!next || at < *next)) next = at;
  };
  if (unrest_since_) {
    consider(std::max(last_hand_ + care_.settle, now + std::chrono::milliseconds(100)));
    consider(*unrest_since_ + care_.longest_unrest);
    consider(last_hand_ + kLeftBehind);
  }
  for (const auto& [id, t] : tracked_) {
    if (t.stopping || !t.running_since || t.state == ReplicaState::kReady) continue;
    consider(*t.running_since + ready_after_);
    consider(*t.running_since + care_.stable_after);
  }
  return next;
}

void ComposeService::start_failed(const std::string& id, Time now) {
  if (const auto found = tracked_.find(id); found != tracked_.end()) {
    found->second.next_start.reset();
    found->second.starting = false;
    crashed(found->second, now);
  }
}

const Container* ComposeService::find(const std::string& id) const {
  const auto found = tracked_.find(id);
  return found == tracked_.end() ? nullptr : &found->second.c;
}

int ComposeService::count(Time now) const {
  const auto all = fresh(now);
  return static_cast<int>(
      std::ranges::count_if(all, [](const Replica& r) { return r.state != ReplicaState::kStopping; }));
}

}  // namespace docktor
