#include "policy/objective/surprise.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kSurpriseSeconds = 4 * 3600;
constexpr double kLeast = 0.01;
constexpr double kGrowth = 1.12;

}  // namespace

void Surprise::count(double surprise, double weight) {
  int bin = 0;
  if (surprise > kLeast) {
    bin = std::clamp(1 + static_cast<int>(std::log(surprise / kLeast) / std::log(kGrowth)), 1, kBins);
  }
  weights_[static_cast<std::size_t>(bin)] += weight;
  total_ += weight;
}

void Surprise::forget(double length) {
  if (next_) count(next_->first, next_->second);
  next_.reset();
  const double keep = std::exp(-length / kSurpriseSeconds);
  for (double& w : weights_) w *= keep;
  total_ *= keep;
  level_sum_ *= keep;
  length_ *= keep;
}

void Surprise::add(double surprise, double weight, double length) {
  forget(length);
  if (weight > 0) next_ = {surprise, weight};
}

void Surprise::add(const Arrivals& arrivals, double blind, double patience, double least) {
  const auto& slots = arrivals.slots();
  if (slots.empty()) return;
  const Slot& newest = slots.back();
  forget(to_seconds(newest.length));
  while (!levels_.empty() && levels_.back().first >= newest.end) levels_.pop_back();
  levels_.emplace_back(newest.end, arrivals.level());
  level_sum_ += arrivals.level() * to_seconds(newest.length);
  length_ += to_seconds(newest.length);
  if (levels_.size() > Arrivals::kMaxSlots) levels_.pop_front();
  if (blind <= 0.25 * to_seconds(newest.length) || newest.count <= 0) {
    if (newest.count > 0) next_ = {0.0, newest.count};
    return;
  }

  double most = 0, came = 0, back = 0;
  std::size_t used = 0;
  for (auto it = slots.rbegin(); it != slots.rend() && back < blind; ++it, ++used) {
    const double length = to_seconds(it->length);
    const double part = std::min(1.0, (blind - back) / length);
    came += part * it->count;
    back += part * length;
    most = std::max(most, came / (back + patience));
  }
  // Ordered on what was known a slot before the blind time began.
  if (back < blind || used >= levels_.size()) return;
  const double known = levels_[levels_.size() - 1 - used].second;
  next_ = {most - std::max(known, least), newest.count};
}

double Surprise::headroom(double share) const {
  double above = 0;
  for (int bin = kBins; bin > 0; --bin) {
    above += weights_[static_cast<std::size_t>(bin)];
    if (above > share * total_) return kLeast * std::pow(kGrowth, bin);
  }
  return 0;
}

double Surprise::beyond(double headroom) const {
  double above = 0;
  for (int bin = kBins; bin > 0 && kLeast * std::pow(kGrowth, bin) > headroom * (1 + 1e-9); --bin)
    above += weights_[static_cast<std::size_t>(bin)];
  return total_ > 0 ? above / total_ : 0;
}

void Surprise::save(nlohmann::json& state) const {
  state = nlohmann::json::object();
  auto& bins = state["bins"] = nlohmann::json::object();
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] > 0) bins[std::to_string(i)] = weights_[i];
  }
  state["total"] = total_;
  state["level"] = level_sum_;
  state["length"] = length_;
  if (next_) state["next"] = {next_->first, next_->second};
  auto& levels = state["levels"] = nlohmann::json::array();
  for (const auto& [t, level] : levels_) levels.push_back({saved(t), level});
}

void Surprise::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  if (const auto it = state.find("bins"); it != state.end() && it->is_object()) {
    weights_.fill(0);
    for (std::size_t i = 0; i < weights_.size(); ++i)
      restore_number(*it, std::to_string(i).c_str(), 0, 1e18, weights_[i]);
  }
  restore_number(state, "total", 0, 1e18, total_);
  restore_number(state, "level", 0, 1e18, level_sum_);
  restore_number(state, "length", 0, 1e18, length_);
  next_.reset();
  if (const auto it = state.find("next"); it != state.end() && it->is_array() && it->size() == 2) {
    std::pair<double, double> next{0, -1};
    restore_number((*it)[0], -1e18, 1e18, next.first);
    restore_number((*it)[1], 0, 1e18, next.second);
    if (next.second >= 0) next_ = next;
  }
  const auto it = state.find("levels");
  if (it == state.end() || !it->is_array() || it->size() > Arrivals::kMaxSlots) return;
  levels_.clear();
  for (const auto& v : *it) {
    if (!v.is_array() || v.size() != 2) break;
    const auto t = restored_time(v[0]);
    double level = -1;
    restore_number(v[1], 0, 1e18, level);
    if (!t || level < 0) break;
    levels_.emplace_back(*t, level);
  }
}

}  // namespace docktor::objective
