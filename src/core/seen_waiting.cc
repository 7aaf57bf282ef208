#include "core/seen_waiting.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/saved_time.h"

namespace docktor {

void SeenWaiting::see(Time at, double waiting) {
  while (!seen_.empty() && (seen_.back().at >= at || seen_.back().waiting >= waiting)) seen_.pop_back();
  seen_.push_back({at, waiting});
  if (seen_.size() <= kMost) return;
  // Every other one goes, but neither the first nor the last: what is left bounds a little less.
  std::deque<Seen> half;
  for (std::size_t i = 0; i < seen_.size(); i += 2) half.push_back(seen_[i]);
  if (seen_.size() % 2 == 0) half.push_back(seen_.back());
  seen_ = std::move(half);
}

std::optional<Time> SeenWaiting::came_after(double rank) const {
  const auto it = std::ranges::lower_bound(seen_, rank, {}, &Seen::waiting);
  if (it == seen_.begin()) return std::nullopt;
  return std::prev(it)->at;
}

void SeenWaiting::save(nlohmann::json& state) const {
  state = nlohmann::json::array();
  for (const Seen& s : seen_) state.push_back({saved(s.at), s.waiting});
}

void SeenWaiting::restore(const nlohmann::json& state) {
  seen_.clear();
  if (!state.is_array() || state.size() > kMost) return;
  for (const auto& v : state) {
    if (!v.is_array() || v.size() != 2 || !v[1].is_number()) break;
    const auto at = restored_time(v[0]);
    const double waiting = v[1].get<double>();
    if (!at || !(waiting >= 0 && waiting <= 1e18)) break;
    if (!seen_.empty() && (*at <= seen_.back().at || waiting <= seen_.back().waiting)) break;
    seen_.push_back({*at, waiting});
  }
}

}  // namespace docktor
