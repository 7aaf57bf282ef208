#include "core/policy_alone.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace docktor {
namespace {

constexpr double kMemory = 30;  // seconds, of c
constexpr Duration kLongestStart = std::chrono::hours(1);
constexpr double kAbsurd = 1e12;
constexpr double kMost = 1e6;  // replicas
constexpr std::size_t kMostSteps = 4096;

std::int64_t ticks(Time t) { return t.time_since_epoch().count(); }
Time time_of(const nlohmann::json& v) { return Time(Duration(v.get<std::int64_t>())); }

bool is_sane(const nlohmann::json& v) { return v.is_number() && std::abs(v.get<double>()) <= kAbsurd; }

// An array of `size`, of numbers from 0 to kAbsurd from `first` on.
bool are_numbers(const nlohmann::json& j, std::ptrdiff_t first, std::size_t size) {
  if (!j.is_array() || j.size() != size) return false;
  return std::all_of(j.begin() + first, j.end(),
                     [](const auto& v) { return is_sane(v) && v.template get<double>() >= 0; });
}

}  // namespace

void PolicyAlone::learn_start(Time now, int before, const ReplicaCounts& r) {
  if (starting_ && r.current < starting_->second) starting_.reset();
  if (!starting_ && r.current > before) starting_ = {now, r.current};
  if (!starting_ || r.ready < starting_->second) return;
  const Duration took = std::min<Duration>(now - starting_->first, kLongestStart);
  start_ = start_ == Duration::zero() ? took : (start_ + took) / 2;
  starting_.reset();
}

void PolicyAlone::learn_capacity(double settled, double replicas, double dt) {
  const double kept = std::exp(-dt / kMemory);
  settled_ = kept * settled_ + settled;
  worked_ = kept * worked_ + replicas * dt;
}

void PolicyAlone::observe(const Observation& now) {
  if (!now.queue_at) return;
  const ReplicaCounts& r = now.replicas;
  const auto before =
      std::exchange(last_, Before{static_cast<double>(now.queue.num_pending), r.current, r.ready});
  if (before) learn_start(now.at, before->current, r);
  Step step{.at = now.at, .reset = now.reset};
  if (before && now.flow) {
    step.length = now.flow->length;
    step.settled = std::max(0.0, now.flow->settled);
    step.replicas = (before->ready + r.ready) / 2.0;
    step.in_hand = static_cast<double>(now.queue.in_hand());
    step.waiting = before->pending > 0 && now.queue.num_pending > 0;
    const double worked = step.replicas * to_seconds(step.length);
    if (worked > 0 && before->ready == r.ready &&
        (step.waiting || step.settled > worked * capacity().value_or(0)))
      learn_capacity(step.settled, step.replicas, to_seconds(step.length));
  }
  step.capacity = capacity();
  step.start = start_;
  if (carried_on())
    take(step);
  else if (since_.size() < kMostSteps)
    since_.push_back(step);
}

void PolicyAlone::take(const Step& s) {
  if (!carried_on()) return;
  if (s.reset) return end();
  if (s.length <= Duration::zero()) return;
  Difference d{.at = s.at, .length = s.length};
  double would_settle = s.settled;
  if (s.replicas > 0) {
    const double alone = std::min<double>(ready(s.at, s.start), s.replicas);
    const double share = alone / s.replicas;
    const double least = s.settled * share, most = s.settled + behind_;
    if (s.waiting)
      would_settle = least;
    else
      would_settle = s.capacity ? std::clamp(alone * *s.capacity * to_seconds(s.length), least, most) : most;
    if (alone > 0 && s.settled > 0) d.load = would_settle / s.settled / share;
    if (behind_ > 0) d.in_hand = s.in_hand * (share - 1);
  }
  behind_ = std::max(0.0, behind_ + s.settled - would_settle);
  d.settled = would_settle - s.settled;
  d.pending = behind_ - d.in_hand;
  differences_.push_back(d);
  while (differences_.size() > 1 && differences_.front().at <= s.at - window_) differences_.pop_front();
}

void PolicyAlone::part(const Limits& limits, std::unique_ptr<Policy> policy, const Decision& d) {
  if (carried_on() || !policy) return;
  policy_ = std::move(policy);
  limits_ = limits;
  replicas_ = {{Time{}, d.current}};
  if (d.target != d.current) replicas_.emplace_back(d.at, d.target);
  for (const Step& s : std::exchange(since_, {})) {
    if (s.at > d.at) take(s);
  }
}

void PolicyAlone::ordered(Time now, int replicas) {
  if (replicas != replicas_.back().second) replicas_.emplace_back(now, replicas);
  while (replicas_.size() > 1 && replicas_[1].first <= now - start_) replicas_.pop_front();
}

// As many as there have been throughout a start's time.
int PolicyAlone::ready(Time now, Duration start) const {
  int least = replicas_.back().second;
  for (std::size_t i = 0; i + 1 < replicas_.size(); ++i) {
    if (replicas_[i + 1].first > now - start) least = std::min(least, replicas_[i].second);
  }
  return least;
}

void PolicyAlone::end() {
  policy_.reset();
  limits_.reset();
  replicas_.clear();
  differences_.clear();
  behind_ = 0;
}

PolicyAlone::Difference PolicyAlone::mean(Time now) const {
  Difference sum{.at = now, .load = 0};
  int n = 0;
  for (const Difference& d : differences_) {
    if (d.at <= now - window_ && &d != &differences_.back()) continue;
    sum.pending += d.pending;
    sum.in_hand += d.in_hand;
    sum.settled += d.settled;
    sum.length += d.length;
    sum.load += d.load;
    ++n;
  }
  if (n == 0) return {};
  sum.pending /= n;
  sum.in_hand /= n;
  sum.load /= n;
  return sum;
}

void PolicyAlone::apply(const Difference& d, Observation& o) const {
  const auto change = [&](Metric m, const auto& f) {
    if (const auto v = o.get(m)) o.set(m, std::max(0.0, f(*v)));
  };
  const auto more = [](double by) { return [by](double v) { return v + by; }; };
  change(Metric::kQueueBacklog, more(d.pending));
  change(Metric::kQueueLag, more(d.pending));
  change(Metric::kQueueAckPending, more(d.in_hand));
  if (d.length > Duration::zero()) change(Metric::kQueueRateOut, more(d.settled / to_seconds(d.length)));
  for (const Metric m : {Metric::kCpuAvg, Metric::kCpuMin, Metric::kCpuMax, Metric::kCpuLimitPct})
    change(m, [&](double v) { return v * d.load; });
  o.queue.num_pending += static_cast<std::uint64_t>(std::llround(std::max(0.0, newest().pending)));
}

std::optional<int> PolicyAlone::evaluate(const Situation& real, const Overrides& overrides, Limits& limits) {
  since_.clear();
  if (!carried_on()) return std::nullopt;
  const bool persons = !overrides.held.empty() || !overrides.stopped_by_hand.empty() || overrides.approval;
  if (persons || !overrides.problem.empty() || real.replicas.current != decided_) {
    end();  // a person's number, or an order that nobody carried out: there is nothing to compare with
    return std::nullopt;
  }
  const int current = replicas_.back().second;
  const int ready_alone = std::min(ready(real.now, start_), real.replicas.ready);
  const Difference window = mean(real.now);
  const bool same = current == real.replicas.current && ready_alone == real.replicas.ready;
  if (same && behind_ < 0.5 && window.pending < 0.5) {
    limits.go_on_as(*limits_);
    end();
    return std::nullopt;
  }
  Observation latest = real.latest, mean = real.window;
  apply(newest(), latest);
  apply(window, mean);
  const Situation alone{.now = real.now,
                        .replicas = {current, ready_alone, real.replicas.failing},
                        .latest = latest,
                        .window = mean,
                        .min_replicas = real.min_replicas};
  ordered(real.now, limits_->apply(real.now, alone, overrides, policy_->recommend(alone)).target);
  return replicas_.back().second;
}

void PolicyAlone::save(nlohmann::json& state) const {
  state["settled"] = settled_;
  state["worked"] = worked_;
  state["start"] = start_.count();
  if (last_) state["last"] = {last_->pending, last_->current, last_->ready};
  if (starting_) state["starting"] = {ticks(starting_->first), starting_->second};
  if (!carried_on()) return;
  state["behind"] = behind_;
  state["decided"] = decided_;
  limits_->save(state["limits"]);
  auto& counts = state["replicas"] = nlohmann::json::array();
  for (const auto& [since, n] : replicas_) counts.push_back({ticks(since), n});
  auto& list = state["differences"] = nlohmann::json::array();
  for (const Difference& d : differences_)
    list.push_back({ticks(d.at), d.length.count(), d.pending, d.in_hand, d.settled, d.load});
}

void PolicyAlone::restore(const nlohmann::json& state, std::unique_ptr<Policy> policy, const Limits& limits,
                          Time now) {
  if (!state.is_object()) return;
  const auto get = [&](const char* key) { return state.value(key, nlohmann::json()); };
  const auto count = [](const nlohmann::json& v) {
    return static_cast<int>(std::min(v.get<double>(), kMost));
  };
  const auto since_count = [&](const nlohmann::json& v) -> std::optional<std::pair<Time, int>> {
    if (!are_numbers(v, 1, 2) || !v[0].is_number_integer() || time_of(v[0]) > now) return std::nullopt;
    return std::pair{time_of(v[0]), count(v[1])};
  };
  if (const auto c = nlohmann::json{get("settled"), get("worked")}; are_numbers(c, 0, 2)) {
    settled_ = c[0].get<double>();
    worked_ = c[1].get<double>();
  }
  if (const auto v = get("start");
      v.is_number_integer() && v.get<std::int64_t>() >= 0 && Duration(v.get<std::int64_t>()) <= kLongestStart)
    start_ = Duration(v.get<std::int64_t>());
  if (const auto v = get("last"); are_numbers(v, 0, 3))
    last_ = Before{v[0].get<double>(), count(v[1]), count(v[2])};
  starting_ = since_count(get("starting"));

  const auto numbers = nlohmann::json{get("behind"), get("decided")};
  const auto counts = get("replicas"), differences = get("differences");
  if (!policy || !are_numbers(numbers, 0, 2) || !counts.is_array() || !differences.is_array()) return;
  for (const auto& v : counts) {
    if (const auto c = since_count(v)) replicas_.push_back(*c);
  }
  if (replicas_.empty()) return;
  policy_ = std::move(policy);
  limits_ = limits;
  limits_->restore(get("limits"), now);
  behind_ = numbers[0].get<double>();
  decided_ = count(numbers[1]);
  for (const auto& v : differences) {
    if (!v.is_array() || v.size() != 6 || !v[0].is_number_integer() || !v[1].is_number_integer()) continue;
    if (!std::all_of(v.begin() + 2, v.end(), is_sane)) continue;
    const Duration length(v[1].get<std::int64_t>());
    if (time_of(v[0]) > now || length < Duration::zero()) continue;
    differences_.push_back({time_of(v[0]), v[2].get<double>(), v[3].get<double>(), v[4].get<double>(), length,
                            v[5].get<double>()});
  }
}

}  // namespace docktor
