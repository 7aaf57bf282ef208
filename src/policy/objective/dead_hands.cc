#include "policy/objective/dead_hands.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

// A job that takes so many times the mean (the more, the more uneven jobs are), and so many seconds, is none.
constexpr double kMeanJobs = 10;
constexpr double kLeastHeld = 10;

}  // namespace

void DeadHands::at_most(double in_hand) { count_ = std::min(count_, in_hand); }

bool DeadHands::look(double in_hand, bool waiting, const Flow& flow, const Capacity& capacity,
                     double max_wait) {
  if (waiting && in_hand <= count_) count_ = 0;  // nobody is free: these hands work
  if (waiting || flow.settled > 0 || in_hand <= count_) {
    held_for_ = 0;
    return false;
  }
  if (held_for_ == 0) {
    before_ = capacity;
    least_ = in_hand;
  }
  held_for_ += to_seconds(flow.length);
  least_ = std::min(least_, in_hand);
  if (!before_.known() || least_ <= count_) return false;
  const double jobs = kMeanJobs * std::max(1.0, before_.spread()) / before_.rate();
  if (held_for_ < std::max({jobs, kLeastHeld, max_wait})) return false;
  count_ = least_;
  held_for_ = 0;
  return true;
}

void DeadHands::save(nlohmann::json& state) const {
  state = {{"count", count_}, {"held_for", held_for_}, {"least", least_}};
  if (held_for_ > 0) before_.save(state["before"]);
}

void DeadHands::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  restore_number(state, "count", 0, 1e18, count_);
  restore_number(state, "least", 0, 1e18, least_);
  const auto before = state.find("before");
  if (before == state.end() || !before->is_object()) return;
  restore_number(state, "held_for", 0, 1e18, held_for_);
  before_.restore(*before);
}

}  // namespace docktor::objective
