#include "policy/peers/hpa_law.h"

#include <algorithm>
#include <cmath>

namespace docktor::peers {

std::optional<int> HpaLaw::proposal(int current, const std::vector<HpaMetric>& metrics) const {
  std::optional<int> highest;
  bool missing = false;
  for (const HpaMetric& m : metrics) {
    if (!m.usage) {
      missing = true;
      continue;
    }
    const double ratio = *m.usage / (m.target * current);
    const bool within = ratio >= 1 - knobs_.tolerance && ratio <= 1 + knobs_.tolerance;
    const double wanted = within ? current : std::ceil(*m.usage / m.target);
    highest = std::max(highest.value_or(0), static_cast<int>(std::min(wanted, 1e9)));
  }
  if (missing && highest.value_or(0) < current) return std::nullopt;
  return highest;
}

int HpaLaw::sync(Time now, int current, const std::vector<HpaMetric>& metrics) {
  limited_ = {};
  if (current == 0) return 0;
  // The controller's start: what runs then counts as proposed, so that nothing goes for one window.
  if (!started_) proposals_.push_back({now, current});
  started_ = true;
  int target;
  if (current > knobs_.max_replicas) {
    target = knobs_.max_replicas;
  } else if (current < knobs_.min_replicas) {
    target = knobs_.min_replicas;
  } else {
    const auto proposed = proposal(current, metrics);
    if (!proposed) {
      limited_ = "a metric is missing";
      return current;
    }
    target = knobs_.behavior ? with_behavior(*knobs_.behavior, now, current, *proposed)
                             : without_behavior(now, current, *proposed);
    proposals_.push_back({now, *proposed});
  }
  if (target > current) note(added_, now, target - current);
  if (target < current) note(removed_, now, current - target);
  return target;
}

int HpaLaw::without_behavior(Time now, int current, int proposed) {
  while (!proposals_.empty() && proposals_.front().at < now - knobs_.downscale_stabilization)
    proposals_.pop_front();
  int stabilized = proposed;
  for (const Stamped& p : proposals_) stabilized = std::max(stabilized, p.replicas);
  if (stabilized != proposed) limited_ = "stabilized";
  const int doubled = std::max(2 * current, 4), most = std::min(knobs_.max_replicas, doubled);
  if (stabilized > most) limited_ = doubled < knobs_.max_replicas ? "scale-up limit" : "max_replicas";
  if (stabilized < knobs_.min_replicas) limited_ = "min_replicas";
  return std::clamp(stabilized, std::min(knobs_.min_replicas, most), most);
}

int HpaLaw::with_behavior(const HpaBehavior& behavior, Time now, int current, int proposed) {
  const Duration longest = std::max(behavior.up_window, behavior.down_window);
  while (!proposals_.empty() && proposals_.front().at <= now - longest) proposals_.pop_front();
  int lowest = proposed, highest = proposed;
  for (const Stamped& p : proposals_) {
    if (p.at > now - behavior.up_window) lowest = std::min(lowest, p.replicas);
    if (p.at > now - behavior.down_window) highest = std::max(highest, p.replicas);
  }
  int target = std::min(std::max(current, lowest), highest);
  if (target != proposed) limited_ = "stabilized";

  if (target > current) {
    const double rate = bound(behavior.up, now, current, true);
    const double most = std::min<double>(rate, knobs_.max_replicas);
    if (target > most) {
      target = static_cast<int>(most);
      limited_ = rate < knobs_.max_replicas ? "scale-up limit" : "max_replicas";
    }
  } else if (target < current) {
    const double rate = bound(behavior.down, now, current, false);
    const double least = std::max<double>(rate, knobs_.min_replicas);
    if (target < least) {
      target = static_cast<int>(least);
      limited_ = rate > knobs_.min_replicas ? "scale-down limit" : "min_replicas";
    }
  }
  return target;
}

// How far the rates let the count go, never on the other side of `current`. No rate at all: not a step.
double HpaLaw::bound(const std::vector<HpaRate>& rates, Time now, int current, bool up) const {
  double far = current;
  for (const HpaRate& r : rates) {
    const int start = current - changed(added_, now - r.period) + changed(removed_, now - r.period);
    if (up) {
      far = std::max(far, r.percent ? std::ceil(start * (1 + r.value / 100)) : start + r.value);
    } else {
      far = std::min(far, r.percent ? std::trunc(start * (1 - r.value / 100)) : start - r.value);
    }
  }
  return std::clamp(far, 0.0, 1e9);
}

void HpaLaw::note(std::deque<Stamped>& events, Time now, int replicas) {
  constexpr Duration kLongestPeriod = std::chrono::minutes(30);  // that a rate may have
  while (!events.empty() && events.front().at <= now - kLongestPeriod) events.pop_front();
  events.push_back({now, replicas});
}

int HpaLaw::changed(const std::deque<Stamped>& events, Time after) {
  int sum = 0;
  for (auto e = events.rbegin(); e != events.rend() && e->at > after; ++e) sum += e->replicas;
  return sum;
}

}  // namespace docktor::peers
