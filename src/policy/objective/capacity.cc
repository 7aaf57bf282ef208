#include "policy/objective/capacity.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kMemorySeconds = 300;  // of time; but rare messages are not forgotten before 200 came
constexpr double kLeastMessages = 200;  // ... so many came
constexpr double kSampledWeight = 0.1;  // of a sample whose busy time is not known exactly
constexpr double kMostBlur =
    0.3;  // deviation of the busy time over it, above which such a sample is left out
constexpr double kSpreadMemory = 60;  // samples

// CUSUM: drift allowed and alarm, in standard deviations of one sample. Chance alone alarms once in some
// thousand samples.
constexpr double kDrift = 0.5;
constexpr double kAlarm = 6;
constexpr double kClear = 0.1;  // standard error over the rate

}  // namespace

void Capacity::Memory::take(const Memory& more, double weight) {
  settled = std::max(0.0, settled + weight * more.settled);
  busy += weight * more.busy;
  noise += weight * weight * more.noise;
}

void Capacity::Memory::fade(double keep) {
  settled *= keep;
  busy *= keep;
  noise *= keep * keep;
}

bool Capacity::Cusum::alarmed(double score, const Memory& more) {
  sum = std::max(0.0, sum + score - kDrift);
  if (sum == 0) {
    since = {};
    return false;
  }
  since.take(more, 1);
  return sum > kAlarm;
}

void Capacity::add(const Gauges& before, const Gauges& after, const Flow& f, double ready_seconds) {
  const double seconds = to_seconds(f.length);
  const double ready0 = before.replicas.ready, ready1 = after.replicas.ready;
  if (after.pending > 0 && ready1 > 0) {
    // Quickly up, slowly down: a replica that just became ready has not filled its hand yet.
    const double held = std::max(1.0, after.in_hand / ready1);
    in_hand_ += (held - in_hand_) * (held > in_hand_ ? 0.5 : 0.02);
  }
  const double hands = std::min(before.in_hand, ready0) + std::min(after.in_hand, ready1);
  // A backlog that chance could have emptied in between is none.
  const double firm = ready0 + 3 * std::sqrt(f.arrivals);
  const bool backlog0 = before.pending > firm, backlog1 = after.pending > firm;
  const double mu = rate();
  Memory more{f.settled, 0, 0};
  double weight = 1;
  if (backlog0 && backlog1) {
    // Replicas that are ready and take nothing (still connecting, or held back by max_ack_pending) are not
    // busy. When exactly others became ready is not known.
    more.busy = ready_seconds * (ready0 + ready1 > 0 ? hands / (ready0 + ready1) : 0);
    const double blur = ready1 > ready0 ? (ready1 - ready0) * seconds : 0;
    more.noise = blur * blur / 12;
  } else if (learned() && (backlog0 != backlog1 || ready0 != ready1 || in_hand_ > 1.3)) {
    return;  // busy for a part of the time that nobody knows, or only seemingly
  } else {
    more.busy = hands / 2 * seconds;  // with prefetch too long, hence too low a rate: the cautious side
    more.noise = std::max(more.busy, mu > 0 ? f.settled / mu : 0.0) * seconds;
    if (learned()) weight = kSampledWeight;
  }
  if (more.busy <= 0 ||
      (learned() && weight == 1 && more.noise > kMostBlur * kMostBlur * more.busy * more.busy))
    return;
  if (learned()) test(more);
  if (learned()) memory_.fade(std::exp(-seconds / kMemorySeconds));
  memory_.take(more, weight);
}

void Capacity::test(const Memory& more) {
  const double mu = memory_.settled / memory_.busy;
  const double expected = mu * more.busy;
  const double own = std::max(1.0, expected);  // variance by chance, at a spread of 1
  const double error = more.settled - expected;
  const double score = error / std::sqrt(spread_ * own + mu * mu * more.noise);
  if (more.noise == 0) {
    const double seen = std::min(error * error / own, 9 * spread_);
    spread_ = std::clamp(spread_ + (seen - spread_) / kSpreadMemory, 0.05, 25.0);
  }
  // An alarm without a clear new value waits for one.
  const auto clear = [&](const Memory& m) {
    return m.busy > 0 && m.settled > 0 && spread_ / m.settled + m.noise / (m.busy * m.busy) < kClear * kClear;
  };
  const bool faster = faster_.alarmed(score, more) && clear(faster_.since);
  const bool slower = slower_.alarmed(-score, more) && clear(slower_.since);
  if (!faster && !slower) return;
  memory_ = faster ? faster_.since : slower_.since;
  faster_ = {};
  slower_ = {};
}

double Capacity::rate() const { return known() && memory_.busy > 0 ? memory_.settled / memory_.busy : 0; }

double Capacity::confidence() const {
  if (!known() || memory_.busy <= 0) return 1;
  return std::min(1.0, std::sqrt(spread_ / memory_.settled + memory_.noise / (memory_.busy * memory_.busy)));
}

void Capacity::save(nlohmann::json& state) const {
  const auto memory = [](const Memory& m) { return nlohmann::json{m.settled, m.busy, m.noise}; };
  state = {{"memory", memory(memory_)},
           {"faster", {{"sum", faster_.sum}, {"since", memory(faster_.since)}}},
           {"slower", {{"sum", slower_.sum}, {"since", memory(slower_.since)}}},
           {"spread", spread_},
           {"in_hand", in_hand_}};
}

void Capacity::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  const auto memory = [](const nlohmann::json& from, const char* key, Memory& m) {
    const auto it = from.find(key);
    if (it == from.end() || !it->is_array() || it->size() != 3) return;
    Memory read{-1, -1, -1};
    restore_number((*it)[0], 0, 1e18, read.settled);
    restore_number((*it)[1], 0, 1e18, read.busy);
    restore_number((*it)[2], 0, 1e18, read.noise);
    if (read.settled >= 0 && read.busy >= 0 && read.noise >= 0) m = read;
  };
  const auto cusum = [&](const char* key, Cusum& c) {
    const auto it = state.find(key);
    if (it == state.end() || !it->is_object()) return;
    restore_number(*it, "sum", 0, 1e6, c.sum);
    memory(*it, "since", c.since);
  };
  memory(state, "memory", memory_);
  cusum("faster", faster_);
  cusum("slower", slower_);
  restore_number(state, "spread", 0.05, 25, spread_);
  restore_number(state, "in_hand", 1, 1e6, in_hand_);
}

}  // namespace docktor::objective
