#include "policy/objective/deferral.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

// Starts that a replica must be away for, at least, to be worth one.
constexpr double kStarts = 5;
// Of the slack, what may be used up already when a replica goes: a backlog is worked off first.
constexpr double kUsed = 0.25;
// A load for which nothing had to be changed for so long is steady.
constexpr Duration kSteady = std::chrono::minutes(15);
// What failed is not tried again for so long, unless the load is less by that part. Not where it is more either: one sample with
// more work would give fewer replicas.
constexpr Duration kRemembered = std::chrono::hours(3);
constexpr double kLess = 0.15;

}  // namespace

std::optional<int> least_with_work_put_off(const Deferrable& load) {
  if (!(load.slack > 0) || load.waiting > kUsed * load.replicas * load.slack) return std::nullopt;
  const double t = kStarts * load.start;
  const double n = (load.waiting + (load.level + load.error) * t) / (t + load.slack);
  return static_cast<int>(std::clamp(std::max(std::ceil(n), std::floor(load.level)), 1.0, 1e6));
}

bool Tries::open(Time now, double level) const {
  if (!changed_ || now - *changed_ > kSteady) return false;
  return !failed_ || now - *failed_ > kRemembered || level < (1 - kLess) * level_;
}

void Tries::ordered(Time at, bool more, bool put_off, double level) {
  if (more && under_way_) {
    failed_ = at;
    level_ = level;
  }
  under_way_ = put_off;
  changed_ = at;
}

void Tries::save(nlohmann::json& state) const {
  state = {{"under_way", under_way_}, {"level", level_}};
  if (changed_) state["changed"] = saved(*changed_);
  if (failed_) state["failed"] = saved(*failed_);
}

void Tries::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  changed_ = restored_time(state, "changed");
  failed_ = restored_time(state, "failed");
  under_way_ = state.value("under_way", nlohmann::json()) == true;
  restore_number(state, "level", 0, 1e18, level_);
}

}  // namespace docktor::objective
