#include "policy/objective/capacity.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kCapacitySeconds = 300;  // of time; but rare messages are not forgotten before 200 came
constexpr double kLeastMessages = 200;    // ... so many came
constexpr double kSampledWeight = 0.1;    // of a sample whose busy time is not known exactly
constexpr double kMostBlur =
    0.3;  // deviation of the busy time over it, above which such a sample is left out
constexpr double kSpreadMemory = 60;  // samples

// CUSUM: drift allowed and alarm, in standard deviations of one sample. Chance alone alarms once in some
// thousand samples.
constexpr double kDrift = 0.5;
constexpr double kAlarm = 6;
constexpr double kClear = 0.1;  // standard error over the rate

constexpr double kBoundSeconds = 20, kLeastBound = 100,
                 kBoundErrors = 2;  // of that memory; messages; standard errors
constexpr double kMostYoung = 0.3;  // of the replicas may be warming up, for a span to tell of full speed
constexpr double kSudden = 1.6;     // a rise by more must show twice

}  // namespace

void Capacity::Memory::take(const Memory& more, double weight) {
  settled = std::max(0.0, settled + weight * more.settled);
  busy += weight * more.busy;
  noise += weight * weight * more.noise;
  young += weight * more.young;
}

void Capacity::Memory::fade(double keep) {
  settled *= keep;
  busy *= keep;
  noise *= keep * keep;
  young *= keep;
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

void Capacity::add(const Span& span, bool prefetch) {
  if (span.unclear) return;
  const double mu = rate();
  Memory more{span.settled};
  double weight = 1;
  if (span.saturated && learned() && span.young > kMostYoung * span.working) return;  // see WarmUp
  if (span.saturated) {
    more.busy = std::max(0.0, span.working - span.missing) * span.seconds;
    more.noise = span.blur * span.blur / 12;
  } else if (learned() && prefetch) {
    return take_bound(span);  // busy only seemingly
  } else {
    more.busy = span.busy * span.seconds;
    more.noise = std::max(more.busy, mu > 0 ? span.settled / mu : 0.0) * span.seconds;
    if (learned()) weight = kSampledWeight;
  }
  if (more.busy <= 0 ||
      (learned() && weight == 1 && more.noise > kMostBlur * kMostBlur * more.busy * more.busy))
    return;
  more.young = span.working > 0 ? more.busy * span.young / span.working : 0;
  if (learned()) test(more);
  if (learned()) memory_.fade(std::exp(-span.seconds / kCapacitySeconds));
  memory_.take(more, weight);
}

void Capacity::take_bound(const Span& span) {
  const double busy = (span.most_busy - span.missing) * span.seconds;
  if (!(busy > 0)) return;
  bound_.fade(std::exp(-span.seconds / kBoundSeconds));
  bound_.take({span.settled, busy, busy * span.seconds, busy * std::min(1.0, span.young / span.most_busy)},
              1);
  const double error =
      std::sqrt(spread_ / std::max(1.0, bound_.settled) + bound_.noise / (bound_.busy * bound_.busy));
  if (bound_.settled >= kLeastBound && bound_.rate() * (1 - kBoundErrors * error) > rate()) {
    const Memory bound = bound_;
    begin_anew(bound);
  }
}

void Capacity::test(const Memory& more) {
  const double mu = memory_.rate();
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
  if (slower) return begin_anew(slower_.since);
  if (!faster) return;
  const Memory risen = faster_.since;
  if (risen.rate() < kSudden * mu || (rise_.busy > 0 && risen.rate() < kSudden * rise_.rate()))
    return begin_anew(risen);
  rise_ = risen;  // and once more, by other messages
  faster_ = {};
}

void Capacity::told(double rate, double error) {
  const double settled = std::max(3.0, spread_ / (error * error));
  memory_ = {settled, settled / rate};
}

void Capacity::begin_anew(const Memory& from) {
  memory_ = from;
  rise_ = {};
  bound_ = {};
  faster_ = {};
  slower_ = {};
}

double Capacity::rate() const { return known() && memory_.busy > 0 ? memory_.settled / memory_.busy : 0; }

double Capacity::cautious_rate() const { return learned() ? rate() : rate() / (1 + confidence()); }

double Capacity::confidence() const {
  if (!known() || memory_.busy <= 0) return 1;
  return std::min(1.0, std::sqrt(spread_ / memory_.settled + memory_.noise / (memory_.busy * memory_.busy)));
}

void Capacity::save(nlohmann::json& state) const {
  const auto memory = [](const Memory& m) { return nlohmann::json{m.settled, m.busy, m.noise, m.young}; };
  state = {{"memory", memory(memory_)},
           {"faster", {{"sum", faster_.sum}, {"since", memory(faster_.since)}}},
           {"slower", {{"sum", slower_.sum}, {"since", memory(slower_.since)}}},
           {"rise", memory(rise_)},
           {"bound", memory(bound_)},
           {"spread", spread_}};
}

void Capacity::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  const auto memory = [](const nlohmann::json& from, const char* key, Memory& m) {
    const auto it = from.find(key);
    if (it == from.end() || !it->is_array() || it->size() < 3) return;
    Memory read{-1, -1, -1};
    restore_number((*it)[0], 0, 1e18, read.settled);
    restore_number((*it)[1], 0, 1e18, read.busy);
    restore_number((*it)[2], 0, 1e18, read.noise);
    // Where all were young, sums and rounding make it a little more.
    if (it->size() > 3) restore_number((*it)[3], 0, 1.001 * read.busy, read.young);
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
  memory(state, "rise", rise_);
  memory(state, "bound", bound_);
}

}  // namespace docktor::objective
