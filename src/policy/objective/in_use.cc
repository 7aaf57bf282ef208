#include "policy/objective/in_use.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr std::size_t kMaxPeaks = 512;
constexpr Duration kKept = std::chrono::hours(3);

}  // namespace

void InUse::add(Time at, double replicas) {
  if (peaks_.empty()) began_ = at;
  while (!peaks_.empty() && (peaks_.back().replicas <= replicas || peaks_.back().at >= at)) peaks_.pop_back();
  peaks_.push_back({at, replicas});
  while (peaks_.size() > kMaxPeaks || peaks_.front().at < at - kKept) peaks_.pop_front();
}

double InUse::most(Time now, double back) const {
  const Time since = now - seconds(std::min(back, to_seconds(kKept)));
  if (peaks_.empty() || began_ > since) return std::numeric_limits<double>::infinity();
  const auto first = std::find_if(peaks_.begin(), peaks_.end(), [&](const Peak& p) { return p.at >= since; });
  return first == peaks_.end() ? std::numeric_limits<double>::infinity() : first->replicas;
}

void InUse::save(nlohmann::json& state) const {
  state = nlohmann::json::object();
  state["began"] = saved(began_);
  auto& peaks = state["peaks"] = nlohmann::json::array();
  for (const Peak& p : peaks_) peaks.push_back({saved(p.at), p.replicas});
}

void InUse::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  const auto it = state.find("peaks");
  if (it == state.end() || !it->is_array() || it->size() > kMaxPeaks) return;
  peaks_.clear();
  began_ = restored_time(state.value("began", nlohmann::json())).value_or(Time::max());
  for (const auto& v : *it) {
    if (!v.is_array() || v.size() != 2) break;
    const auto at = restored_time(v[0]);
    double replicas = -1;
    restore_number(v[1], 0, 1e9, replicas);
    if (!at || replicas < 0) break;
    peaks_.push_back({*at, replicas});
  }
}

}  // namespace docktor::objective
