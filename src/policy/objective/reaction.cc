#include "policy/objective/reaction.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kMemoryDecisions = 100;  // decisions
constexpr double kPrior = 5;              // decisions that the check interval counts for, before any was seen

}  // namespace

void Reaction::decided(Time now, Time sample) {
  if (sample_ && *sample_ >= sample) return;
  if (sample_ && now > *sample_) {
    const double gap = std::min(to_seconds(now - *sample_), most_);
    seen_ = std::min(seen_ + 1, kMemoryDecisions);
    const double gain = 1 / (seen_ + kPrior);
    const double error = gap - mean_;
    mean_ += gain * error;
    variance_ += gain * (error * error * (1 - gain) - variance_);
  }
  sample_ = sample;
}

double Reaction::seconds() const { return mean_ + std::sqrt(std::max(0.0, variance_)); }

void Reaction::save(nlohmann::json& state) const {
  state = {{"mean", mean_}, {"variance", variance_}, {"seen", seen_}};
  if (sample_) state["sample"] = saved(*sample_);
}

void Reaction::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  restore_number(state, "mean", 0, most_, mean_);
  restore_number(state, "variance", 0, most_ * most_, variance_);
  restore_number(state, "seen", 0, kMemoryDecisions, seen_);
  if (const auto it = state.find("sample"); it != state.end()) sample_ = restored_time(*it);
}

}  // namespace docktor::objective
