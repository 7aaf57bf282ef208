#include "core/advice_budget.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace docktor {
namespace {

constexpr double kShare = 0.25;
constexpr double kMostSeconds = 60;  // of the present replicas
constexpr double kFirstSeconds = 15;
constexpr double kAbsurd = 1e9;

}  // namespace

AdviceBudget::AdviceBudget(const ServiceSpec& spec)
    : limits_(spec.limits),
      absolute_(spec.objective.has_value() && !spec.limits.steps_given),
      longest_(3 * spec.check_interval) {}

void AdviceBudget::tick(Time now, int current) {
  if (at_ && now > *at_) {
    const double length = to_seconds(std::min<Duration>(now - *at_, longest_));
    const int without = std::min(without_.value_or(current), current);
    seconds_ += length * (kShare * without - (current - without));
    const double most = kMostSeconds * std::max(1, current);
    seconds_ = std::clamp(seconds_, -most, most);
  }
  if (!at_) seconds_ = kFirstSeconds * std::max(1, current);
  at_ = now;
  without_ = std::min(without_.value_or(current), current);
}

void AdviceBudget::policy_moved(int current, int target) {
  const int before = without_.value_or(current);
  if (target != current) without_ = absolute_ ? target : before + target - current;
  without_ = std::clamp(*without_, std::min(limits_.min_replicas, target), std::max(target, before));
  if (target == limits_.min_replicas || target >= limits_.max_replicas) without_ = target;
}

void AdviceBudget::save(nlohmann::json& state) const {
  state["budget"] = seconds_;
  if (without_) state["without"] = *without_;
  if (at_) state["at"] = to_seconds(*at_);
}

void AdviceBudget::restore(const nlohmann::json& state, Time now) {
  if (!state.is_object()) return;
  if (const auto it = state.find("budget"); it != state.end() && it->is_number()) {
    const double v = it->get<double>();
    if (v >= -kAbsurd && v <= kAbsurd) seconds_ = v;
  }
  if (const auto it = state.find("without"); it != state.end() && it->is_number_integer()) {
    const auto v = it->get<std::int64_t>();
    if (v >= 0 && v <= 1'000'000) without_ = static_cast<int>(v);
  }
  if (const auto it = state.find("at"); it != state.end() && it->is_number()) {
    const double v = it->get<double>();
    if (v >= 0 && v < 9e9) at_ = std::min(now, time_at(v));
  }
}

}  // namespace docktor
