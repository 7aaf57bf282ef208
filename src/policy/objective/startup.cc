#include "policy/objective/startup.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kPriorWeight = 1;
constexpr double kMemory = 60;       // starts
constexpr double kLagMemory = 10;    // starts
constexpr double kLagToCare = 0.25;  // seconds: less is within a sample's blur

}  // namespace

double StartUp::deviation() const { return std::sqrt(std::max(variance_, 1e-4)); }

void StartUp::learn(double delay, double blur) {
  seen_ = std::min(seen_ + 1, kMemory);
  const double gain = 1 / (seen_ + kPriorWeight);
  const double error = delay - mean_;
  mean_ += gain * error;
  // A start is seen only by samples: that blur is not the start's.
  variance_ += gain * (std::max(0.0, error * error * (1 - gain) - blur * blur / 12) - variance_);
}

void StartUp::begin(Time at, const ReplicaCounts& now) {
  starting_.assign(
      static_cast<std::size_t>(std::clamp(now.current - now.ready, 0, static_cast<int>(kMaxStarting))), at);
}

double StartUp::ready_seconds(Time before_at, const ReplicaCounts& before, Time at,
                              const ReplicaCounts& after) const {
  const double length = to_seconds(at - before_at);
  double sum = std::min(before.ready, after.ready) * length;
  for (int i = before.ready, next = 0; i < after.ready; ++i, ++next) {
    const auto n = static_cast<std::size_t>(next);
    const Time ordered = n < starting_.size() ? starting_[n] : ordered_at_.value_or(before_at);
    sum += std::clamp(to_seconds(at - ordered) - mean_, 0.0, length);
  }
  return sum;
}

void StartUp::add(Time before_at, const ReplicaCounts& before, Time at, const ReplicaCounts& after) {
  const Time middle = before_at + (at - before_at) / 2;
  const double blur = to_seconds(at - before_at);
  const bool ours = ordered_at_ && *ordered_at_ >= before_at && *ordered_at_ <= at;
  const Time since = ours ? *ordered_at_ : middle;
  for (int i = before.current; i < after.current && starting_.size() < kMaxStarting; ++i)
    starting_.push_back(since);
  for (int i = before.ready; i < after.ready && !starting_.empty(); ++i) {
    learn(std::max(0.0, to_seconds(middle - starting_.front())), blur);
    starting_.pop_front();
    if (warming_.size() < kMaxStarting) warming_.push_back(at);
  }
  const auto now_starting =
      static_cast<std::size_t>(std::clamp(after.current - after.ready, 0, static_cast<int>(kMaxStarting)));
  // Stops take the newest first; what starts without an order was restarted after a crash, or is somebody
  // else's.
  while (starting_.size() > now_starting) starting_.pop_back();
  while (starting_.size() < now_starting) starting_.push_back(since);
  while (warming_.size() > static_cast<std::size_t>(std::max(0, after.ready))) warming_.pop_back();
  if (ordered_at_ && *ordered_at_ < at) ordered_at_.reset();
}

void StartUp::idle(Time at, Duration length, int replicas, bool backlog) {
  if (!backlog) {
    warming_.clear();
    return;
  }
  while (warming_.size() > static_cast<std::size_t>(std::max(0, replicas))) {
    const double seen = std::max(0.0, to_seconds(at - warming_.front()) - to_seconds(length) / 2);
    lag_ += (seen - lag_) / kLagMemory;
    warming_.pop_front();
  }
}

const std::deque<Time>& StartUp::warming() const {
  static const std::deque<Time> kNone;
  return lag_ > kLagToCare ? warming_ : kNone;
}

std::array<double, 3> StartUp::remaining_lag(double age) const {
  const double left = std::max(lag_ - age, 0.25 * std::max(0.0, age - lag_) + 0.1 * lag_);
  return {left, left, left};
}

std::array<double, 3> StartUp::remaining(double age) const {
  // Three points with the distribution's mean and variance; one that is overdue is awaited for a part of its
  // lateness more.
  const double spread = 1.2247 * deviation();
  const double overdue = std::max(0.2 * deviation(), 0.25 * std::max(0.0, age - mean_));
  const auto left = [&](double total) { return std::max(total - age, overdue) + lag_; };
  return {left(std::max(mean_ / 4, mean_ - spread)), left(mean_), left(mean_ + spread)};
}

void StartUp::save(nlohmann::json& state) const {
  state = {{"mean", mean_}, {"variance", variance_}, {"seen", seen_}, {"lag", lag_}};
  if (ordered_at_) state["ordered_at"] = saved(*ordered_at_);
  auto& list = state["starting"] = nlohmann::json::array();
  for (const Time t : starting_) list.push_back(saved(t));
  auto& warming = state["warming"] = nlohmann::json::array();
  for (const Time t : warming_) warming.push_back(saved(t));
}

void StartUp::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  restore_number(state, "mean", 0, 1e6, mean_);
  restore_number(state, "variance", 0, 1e12, variance_);
  restore_number(state, "seen", 0, kMemory, seen_);
  restore_number(state, "lag", 0, 1e6, lag_);
  if (const auto it = state.find("ordered_at"); it != state.end()) ordered_at_ = restored_time(*it);
  const auto times = [&](const char* key, std::deque<Time>& out) {
    const auto it = state.find(key);
    if (it == state.end() || !it->is_array() || it->size() > kMaxStarting) return;
    out.clear();
    for (const auto& v : *it) {
      if (const auto t = restored_time(v)) out.push_back(*t);
    }
  };
  times("starting", starting_);
  times("warming", warming_);
}

}  // namespace docktor::objective
