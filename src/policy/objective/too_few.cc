#include "policy/objective/too_few.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr Duration kProofLasts = std::chrono::hours(3);
constexpr std::size_t kMaxEntries = 256;
// Standard errors by which the load must be less to try again. What came while a backlog grew is more than
// usual by selection, so this is stricter than it looks; more yet would hold what clumps need now and then
// for hours.
constexpr double kErrors = 3;
// Starts of idleness before fewer are tried all the same, and how that grows each time they were too few again while the
// load was not less.
constexpr double kIdleStarts = 4;
constexpr double kBackOff = 8;
constexpr double kLessErrors = 1;  // that is less by so many standard errors
constexpr double kLeastUse = 0.8;  // of the replicas that were too few

}  // namespace

void TooFew::seen(Time now, int ready, bool backlog) {
  if (!backlog) {
    since_ = now;
    ready_ = ready;
  } else {
    ready_ = std::min(ready_, ready);
  }
}

void TooFew::note(Time now, double load, double error) {
  if (load + error < kLeastUse * ready_) return;  // they should have been enough: something else kept them
  double starts = kIdleStarts;
  for (const Entry& e : entries_) {
    const bool heavier_now = load > e.load;
    if (e.replicas == ready_ && e.at >= now - kProofLasts && !heavier_now) starts = e.starts * kBackOff;
  }
  std::erase_if(entries_, [&](const Entry& e) { return e.replicas == ready_ || e.at < now - kProofLasts; });
  if (entries_.size() >= kMaxEntries) entries_.erase(entries_.begin());
  entries_.push_back({ready_, load, error, now, std::min(starts, 1e9)});
}

int TooFew::least(Time now, double load, double error, const InUse& in_use, double start) {
  int n = 0;
  for (Entry& e : entries_) {
    if (e.at < now - kProofLasts) continue;
    const bool lighter_now = load < e.load - kErrors * std::hypot(error, e.error);
    if (load < e.load - kLessErrors * std::hypot(error, e.error)) e.starts = kIdleStarts;
    if (lighter_now || e.replicas < n || in_use.most(now, e.starts * start) <= e.replicas) continue;
    n = e.replicas + 1;
  }
  return n;
}

void TooFew::save(nlohmann::json& state) const {
  state = nlohmann::json::object();
  auto& entries = state["entries"] = nlohmann::json::array();
  for (const Entry& e : entries_) entries.push_back({e.replicas, e.load, e.error, saved(e.at), e.starts});
  state["since"] = saved(since_);
  state["least_ready"] = ready_;
}

void TooFew::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  if (const auto it = state.find("entries");
      it != state.end() && it->is_array() && it->size() <= kMaxEntries) {
    entries_.clear();
    for (const auto& v : *it) {
      if (!v.is_array() || v.size() < 4 || !v[0].is_number_integer()) continue;
      const auto at = restored_time(v[3]);
      Entry e{v[0].get<int>(), -1, -1, at.value_or(Time{}), kIdleStarts};
      restore_number(v[1], 0, 1e18, e.load);
      restore_number(v[2], 0, 1e18, e.error);
      if (v.size() > 4) restore_number(v[4], 0, 1e9, e.starts);
      if (at && e.replicas >= 0 && e.load >= 0 && e.error >= 0) entries_.push_back(e);
    }
  }
  if (const auto it = state.find("since"); it != state.end()) since_ = restored_time(*it).value_or(since_);
  if (const auto it = state.find("least_ready"); it != state.end() && it->is_number_integer() && *it >= 0)
    ready_ = it->get<int>();
}

}  // namespace docktor::objective
