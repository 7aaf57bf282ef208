#include "policy/objective/bottleneck.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kGrowth = 1.2;       // of the replicas, to judge at all
constexpr double kSame = 1.1;         // counts within this factor are one
constexpr double kLeastSeconds = 2;   // with as many as now, to judge
constexpr double kAfterSeconds = 10;  // of these at most
constexpr double kBeforeSeconds = 3;  // of the time before the growth: the slope at its end counts
constexpr std::size_t kMaxSamples = 64;
constexpr double kMissing = 0.3;  // a smaller part of the growth that was due is none
constexpr double kErrors = 3;
constexpr double kSpread = 1;  // variance of settled counts over their mean, on the cautious side
constexpr double kFirstBackoff = 600, kLongestBackoff = 3600;

}  // namespace

void Bottleneck::add(const Gauges& before, const Gauges& after, const Flow& f, double in_hand,
                     double patience) {
  const int ready = after.replicas.ready;
  const double firm = ready + 3 * std::sqrt(f.arrivals);
  const bool backlog = before.pending > firm && after.pending > firm;
  if (!backlog) {
    // No backlog, no bottleneck: what there is suffices.
    *this = {};
    return;
  }
  const double length = to_seconds(f.length);
  // Only what as many replicas settled from one sample to the next proves something: when others joined is
  // not known.
  if (ready != before.replicas.ready) {
    pending_ = !samples_.empty() && ready > kGrowth * samples_.back().replicas && reason_.empty();
    return;
  }
  samples_.push_back({after.at, static_cast<double>(ready), f.settled, length});
  if (samples_.size() > kMaxSamples) samples_.pop_front();
  judge(after.at);

  const int idle = ready - static_cast<int>(std::ceil(std::min(1e6, after.in_hand / std::max(1.0, in_hand))));
  if (idle <= ready / 5 || ready < 2) {
    idle_since_.reset();
  } else if (!idle_since_) {
    idle_since_ = after.at;
  } else if (to_seconds(after.at - *idle_since_) > patience) {
    reason_ = fmt::format(
        "{} of {} ready replicas take no message although {:.0f} wait ({:.0f} are in hand): look at "
        "max_ack_pending and at the workers' connection",
        idle, ready, after.pending, after.in_hand);
  }
}

int Bottleneck::most(const ReplicaCounts& replicas) const {
  if (!reason_.empty()) return replicas.current;
  if (backoff_ <= kFirstBackoff) return std::numeric_limits<int>::max();
  return pending_ || replicas.ready < replicas.current ? replicas.current
                                                       : replicas.current + replicas.current / 5 + 1;
}

void Bottleneck::judge(Time now) {
  pending_ = false;
  if (until_ && now < *until_) return;
  if (until_) {
    // One more try, judged by what comes from now on.
    until_.reset();
    samples_.erase(samples_.begin(), std::prev(samples_.end()));
  }
  reason_.clear();
  // From the newest sample back: first those with as many replicas as now, then the last ones with fewer.
  const double present = samples_.back().replicas;
  Sample after, before;
  for (auto it = samples_.rbegin(); it != samples_.rend(); ++it) {
    if (before.seconds == 0 && it->replicas > present / kSame) {
      if (after.seconds >= kAfterSeconds) continue;
      after.replicas += it->replicas * it->seconds;
      after.settled += it->settled;
      after.seconds += it->seconds;
    } else if (it->replicas <= present / kGrowth && before.seconds < kBeforeSeconds) {
      before.replicas += it->replicas * it->seconds;
      before.settled += it->settled;
      before.seconds += it->seconds;
    }
  }
  if (before.seconds <= 0 || before.replicas <= 0) return;
  if (after.seconds < kLeastSeconds) {
    pending_ = true;
    return;
  }
  const double few = before.replicas / before.seconds, many = after.replicas / after.seconds;
  const double slow = before.settled / before.seconds, fast = after.settled / after.seconds;
  const double due = slow * (many / few - 1);
  const double gained = fast - slow;
  // The error of what is due is that of `slow`, enlarged in proportion.
  const double error =
      std::hypot(std::sqrt(kSpread * std::max(1.0, before.settled)) / before.seconds * many / few,
                 std::sqrt(kSpread * std::max(1.0, after.settled)) / after.seconds);
  if (gained > kMissing * due || due - gained < kErrors * error) {
    if (gained > 0.6 * due)
      backoff_ = kFirstBackoff;
    else
      pending_ = after.seconds < kAfterSeconds &&
                 backoff_ > kFirstBackoff;  // after a failed try, be sure of the next
    return;
  }
  reason_ = fmt::format(
      "{:.0f} replicas settle {:.1f}/s, {:.0f} settled {:.1f}/s: the bottleneck is not their number", many,
      fast, few, slow);
  until_ = now + seconds(backoff_);
  backoff_ = std::min(2 * backoff_, kLongestBackoff);
}

void Bottleneck::save(nlohmann::json& state) const {
  state = {{"backoff", backoff_}, {"reason", reason_}, {"pending", pending_}};
  auto& samples = state["samples"] = nlohmann::json::array();
  for (const Sample& s : samples_) samples.push_back({saved(s.at), s.replicas, s.settled, s.seconds});
  if (idle_since_) state["idle_since"] = saved(*idle_since_);
  if (until_) state["until"] = saved(*until_);
}

void Bottleneck::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  if (const auto it = state.find("samples");
      it != state.end() && it->is_array() && it->size() <= kMaxSamples) {
    samples_.clear();
    for (const auto& v : *it) {
      if (!v.is_array() || v.size() != 4) continue;
      const auto at = restored_time(v[0]);
      Sample s{at.value_or(Time{}), -1, 0, -1};
      restore_number(v[1], 0, 1e6, s.replicas);
      restore_number(v[2], -1e18, 1e18, s.settled);
      restore_number(v[3], 1e-9, 1e9, s.seconds);
      if (at && s.replicas >= 0 && s.seconds > 0) samples_.push_back(s);
    }
  }
  if (const auto it = state.find("pending"); it != state.end() && it->is_boolean())
    pending_ = it->get<bool>();
  restore_number(state, "backoff", kFirstBackoff, kLongestBackoff, backoff_);
  if (const auto it = state.find("reason"); it != state.end() && it->is_string())
    reason_ = it->get<std::string>();
  if (const auto it = state.find("idle_since"); it != state.end()) idle_since_ = restored_time(*it);
  if (const auto it = state.find("until"); it != state.end()) until_ = restored_time(*it);
}

}  // namespace docktor::objective
