#include "policy/objective/arrivals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

// Standard deviations of an interval: wide enough that chance alone moves the level rarely (0.3 % a window).
constexpr double kWidth = 3;
constexpr double kFirmWidth = 4.5;

constexpr std::array<std::size_t, 18> kWindows{600, 450, 300, 200, 150, 100, 70, 50, 35,
                                               25,  18,  13,  9,   6,   4,   3,  2,  1};

struct Interval {
  double low, high;
};

// Levels l that explain `rate`, seen over `seconds`, within `width` deviations sqrt(dispersion × l /
// seconds).
Interval interval(double rate, double seconds, double dispersion, double width) {
  const double a = width * std::sqrt(dispersion / seconds) / 2;
  const double root = std::sqrt(a * a + rate);
  return {(root - a) * (root - a), (root + a) * (root + a)};
}

}  // namespace

void Arrivals::add(const Slot& slot) {
  dispersion_ = next_dispersion_;
  error_ = next_error_;
  while (!slots_.empty() && slots_.back().end >= slot.end) {  // the clock was set back
    slots_.pop_back();
    sums_.pop_back();
  }
  if (!slots_.empty()) learn_dispersion(slot);
  append(slot);
  find_level();
}

void Arrivals::append(const Slot& slot) {
  slots_.push_back(slot);
  const Sum& before = sums_.back();
  sums_.push_back(
      {before.count + static_cast<std::uint64_t>(slot.count), before.length + slot.length.count()});
  if (slots_.size() <= kMaxSlots) return;
  slots_.pop_front();
  sums_.pop_front();
}

void Arrivals::learn_dispersion(const Slot& slot) {
  const Slot& before = slots_.back();
  const double a = to_seconds(before.length), b = to_seconds(slot.length);
  const double sum = before.count + slot.count;
  // For counts X over a and Y over b at one rate r: E (X/a - Y/b)² = I r (1/a + 1/b), and r is about (X + Y)
  // / (a + b).
  const double gap = before.count / a - slot.count / b;
  const double rate = sum / (a + b);
  // Two empty samples count as no noise: a spike now and then out of silence is a jump, not a clump.
  const double seen = sum > 0 ? gap * gap / (rate * (1 / a + 1 / b)) : 0;
  // A jump is no noise: what one pair may contribute is bounded, and what the bound takes from chance alone
  // (for a normal distribution E min(x², 3) = 0.858) is given back.
  const double bounded = std::min(seen, 3 * next_dispersion_) / 0.858;
  seen_ = std::min(seen_ + 1, 120.0);
  next_dispersion_ = std::max(0.2, next_dispersion_ + (bounded - next_dispersion_) / (seen_ + 3));
}

void Arrivals::find_level() {
  const double noise = std::max(1.0, dispersion_);
  std::array<double, kWindows.size()> rates{}, lengths{};
  const Sum& now = sums_.back();
  std::size_t first = kWindows.size();
  while (first > 0 && (first == kWindows.size() || kWindows[first] < slots_.size())) {
    --first;
    const Sum& then = sums_[slots_.size() - std::min(kWindows[first], slots_.size())];
    lengths[first] = static_cast<double>(now.length - then.length) / 1e9;
    rates[first] = static_cast<double>(now.count - then.count) / lengths[first];
  }
  level_ = firm_level_ = rates[first] * lengths[first] / std::max(shortest_, lengths[first]);
  double decided = lengths[first];
  for (std::size_t i = first; i < kWindows.size(); ++i) {
    if (lengths[i] < shortest_) break;  // ten messages of one instant are no hundred a second
    const auto [low, high] = interval(rates[i], lengths[i], noise, kWidth);
    if (level_ < low || level_ > high) {
      level_ = std::clamp(level_, low, high);
      decided = lengths[i];
    }
    const auto [firm_low, firm_high] = interval(rates[i], lengths[i], noise, kFirmWidth);
    firm_level_ = std::clamp(firm_level_, firm_low, firm_high);
  }
  next_error_ = std::sqrt(noise * std::max(level_, 1 / decided) / decided);
}

std::pair<double, double> Arrivals::rate_since(Time since) const {
  double count = 0, length = 0;
  for (auto it = slots_.rbegin();
       it != slots_.rend() && (length == 0 || length < shortest_ || it->end > since); ++it) {
    count += it->count;
    length += to_seconds(it->length);
  }
  if (length == 0) return {0, 0};
  const double rate = count / length;
  return {rate, std::sqrt(std::max(1.0, dispersion_) * std::max(rate, 1 / length) / length)};
}

double Arrivals::quiet_for(Time now) const {
  if (slots_.empty()) return 0;
  const auto last = std::find_if(slots_.rbegin(), slots_.rend(), [](const Slot& s) { return s.count > 0; });
  const Time since = last == slots_.rend() ? slots_.front().end - slots_.front().length : last->end;
  return to_seconds(now - since);
}

void Arrivals::waiting(double pending, Time now, std::vector<Waiting>& out) const {
  out.clear();
  double left = pending;
  for (auto it = slots_.rbegin(); it != slots_.rend() && left > 0; ++it) {
    if (it->count <= 0) continue;
    const double take = std::min(left, it->count);
    const double length = to_seconds(it->length);
    const double end = to_seconds(now - it->end);
    const auto before = std::next(it);
    double span = length;  // the part of the slot, from its begin, in which its messages came
    if (before != slots_.rend() && before->count > 0) {
      span = std::min(length, it->count / before->count * to_seconds(before->length));
    }
    // A part of a slot's messages is its newest part: the older ones were begun first.
    const double newest = end + length - span;
    out.push_back({take, newest + span * take / it->count, newest});
    left -= take;
  }
  if (left > 0) {
    const double oldest =
        slots_.empty() ? 0 : to_seconds(now - slots_.front().end) + to_seconds(slots_.front().length);
    out.push_back({left, oldest, oldest});
  }
  std::reverse(out.begin(), out.end());
  bound_ages(now, out);
}

// A queue that counts late, or nothing, shows messages that no slot has: what was seen to wait before tells how old they
// are at most. Oldest first, as they are.
void Arrivals::bound_ages(Time now, std::vector<Waiting>& waiting) const {
  const auto& seen = seen_waiting_.seen();
  if (seen.empty() || waiting.empty()) return;
  const auto within = [&](double rank) {
    const auto after = seen_waiting_.came_after(rank);
    return after ? std::max(0.0, to_seconds(now - *after)) : std::numeric_limits<double>::infinity();
  };
  std::vector<Waiting> bounded;
  bounded.reserve(waiting.size());
  double before = 0;  // messages of the runs before
  auto next = seen.begin();
  for (const Waiting& run : waiting) {
    const double end = before + run.count;
    double from = before;
    while (from < end) {
      while (next != seen.end() && next->waiting <= from) ++next;
      const double to = next == seen.end() ? end : std::min(end, next->waiting);
      const double most = within(to);
      const auto age = [&](double rank) {
        return run.oldest + (run.newest - run.oldest) * (rank - before) / run.count;
      };
      const double oldest = from == before ? run.oldest : age(from);
      const double newest = to == end ? run.newest : age(to);
      const Waiting part{to - from, std::min(oldest, most), std::min(newest, most)};
      // What is not bounded stays one run.
      if (!bounded.empty() && from != before && oldest <= most && bounded.back().newest == oldest)
        bounded.back() = {bounded.back().count + part.count, bounded.back().oldest, part.newest};
      else
        bounded.push_back(part);
      from = to;
    }
    before = end;
  }
  waiting = std::move(bounded);
}

void Arrivals::save(nlohmann::json& state) const {
  auto& list = state["slots"] = nlohmann::json::array();
  for (const Slot& s : slots_) list.push_back({s.end.time_since_epoch().count(), s.length.count(), s.count});
  state["dispersion"] = {dispersion_, next_dispersion_};
  state["error"] = error_;
  state["seen"] = seen_;
  seen_waiting_.save(state["waiting"]);
}

void Arrivals::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  if (const auto it = state.find("waiting"); it != state.end()) seen_waiting_.restore(*it);
  restore_number(state, "seen", 0, 120, seen_);
  restore_number(state, "error", 0, 1e18, error_);
  if (const auto it = state.find("dispersion"); it != state.end() && it->is_array() && it->size() == 2) {
    restore_number((*it)[0], 0.1, 1e18, dispersion_);
    restore_number((*it)[1], 0.1, 1e18, next_dispersion_);
  }
  const auto list = state.find("slots");
  if (list == state.end() || !list->is_array() || list->size() > kMaxSlots) return;
  slots_.clear();
  sums_.assign(1, {});
  for (const auto& v : *list) {
    if (!v.is_array() || v.size() != 3 || !v[0].is_number_integer() || !v[1].is_number_integer()) break;
    Slot s{Time(Duration(v[0].get<std::int64_t>())), Duration(v[1].get<std::int64_t>()), -1};
    restore_number(v[2], 0, 1e18, s.count);
    if (s.length <= Duration::zero() || s.count < 0 || (!slots_.empty() && s.end <= slots_.back().end)) break;
    append(s);
  }
  if (!slots_.empty()) find_level();
}

}  // namespace docktor::objective
