#include "policy/objective/rhythm.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr std::size_t kShortest = 6;  // bins of a period
constexpr double kClear = 0.3;        // autocorrelation that a period must have
constexpr double kNearlyAsClear =
    0.8;                        // ... of the clearest: the shortest such period is the one, not its multiples
constexpr double kProof = 0.5;  // of the level's squared error
constexpr double kPeriodsOfProof = 2;
constexpr std::size_t kMaxMisses = 128;

}  // namespace

Rhythm::Rhythm(double width) : width_(width) {}

void Rhythm::add(const Slot& slot, double level, double ahead) {
  proven_ = next_proven_;
  const double length = to_seconds(slot.length);
  const double end = to_seconds(slot.end.time_since_epoch());
  const double begin = end - length;
  const auto number = [&](double t) { return static_cast<std::int64_t>(std::floor(t / width_)); };
  const auto bins_ahead =
      static_cast<std::size_t>(std::clamp(std::ceil(ahead / width_), 1.0, double(kLongest)));
  if (open_ < 0 || number(begin) < open_ || number(end) > open_ + static_cast<std::int64_t>(kBins)) {
    // The first sample, a clock that was set, or a gap (before the sample or within it) that leaves nothing
    // to compare with.
    const double width = width_;
    *this = Rhythm(width);
    open_ = std::max(number(begin), number(end) - 1);
  }
  // Bins of which no sample tells are taken to have been as usual.
  for (; open_ < number(begin); ++open_) {
    if (count_ == 0) count_ = level * width_;
    close_bin(level, bins_ahead);
  }
  for (; open_ <= number(end); ++open_) {
    const double from = std::max(begin, static_cast<double>(open_) * width_);
    const double to = std::min(end, static_cast<double>(open_ + 1) * width_);
    if (to > from) count_ += slot.count * (to - from) / length;
    if (open_ == number(end)) break;
    close_bin(level, bins_ahead);
  }
}

void Rhythm::close_bin(double level, std::size_t ahead) {
  const double x = count_ / width_;
  count_ = 0;
  // What was said of this bin when an order for it would have had to go out.
  if (period_ > 0 && bins_.size() >= ahead + period_ && levels_.size() >= ahead) {
    const double said = forecast(1, ahead);
    const double known = levels_[levels_.size() - ahead];
    const double gain = std::max(1 / (seen_ + 1), 1 / (kPeriodsOfProof * static_cast<double>(period_)));
    rhythm_error_ += gain * ((x - said) * (x - said) - rhythm_error_);
    level_error_ += gain * ((x - known) * (x - known) - level_error_);
    seen_ += 1;
    next_proven_ =
        seen_ >= kPeriodsOfProof * static_cast<double>(period_) && rhythm_error_ < kProof * level_error_;
    misses_.push_back({said, x, width_});
    if (misses_.size() > kMaxMisses) misses_.pop_front();
  }
  bins_.push_back(x);
  if (bins_.size() > kBins) bins_.pop_front();
  levels_.push_back(level);
  if (levels_.size() > kLongest + 1) levels_.pop_front();

  mean_ += (x - mean_) / static_cast<double>(bins_.size());
  const double keep = 1 - 1.0 / static_cast<double>(kBins);
  const std::size_t lags = std::min(products_.size(), bins_.size());
  const double off = x - mean_;
  for (std::size_t lag = 0; lag < lags; ++lag)
    products_[lag] = products_[lag] * keep + off * (bins_[bins_.size() - 1 - lag] - mean_);
  find_period();
}

void Rhythm::find_period() {
  std::size_t found = 0;
  double clearest = kClear * products_[0];
  const std::size_t longest = std::min(kLongest, bins_.size() / 3);
  const auto peak = [&](std::size_t lag) {
    return products_[lag] >= products_[lag - 1] && products_[lag] >= products_[lag + 1];
  };
  for (std::size_t lag = kShortest; lag <= longest; ++lag) {
    if (products_[lag] > clearest && peak(lag)) clearest = products_[lag], found = lag;
  }
  for (std::size_t lag = kShortest; lag < found; ++lag) {
    if (products_[lag] >= kNearlyAsClear * clearest && peak(lag)) {
      found = lag;
      break;
    }
  }
  // One bin more or less is the same period, seen through noise.
  const bool same = found > 0 && period_ > 0 && found + 1 >= period_ && found <= period_ + 1;
  if (found == period_) return;
  period_ = found;
  if (same) return;
  seen_ = 0;
  rhythm_error_ = level_error_ = 0;
  next_proven_ = false;
  misses_.clear();
}

double Rhythm::forecast(std::size_t bin, std::size_t made) const {
  double sum = 0;
  int n = 0;
  for (std::size_t back = (made + period_ - 1) / period_ * period_; n < 3 && back - bin < bins_.size();
       back += period_, ++n)
    sum += bins_[bins_.size() - 1 - (back - bin)];
  return n > 0 ? sum / n : mean_;
}

double Rhythm::rate(Time now, double ahead) const {
  const double at = to_seconds(now.time_since_epoch()) + ahead;
  const std::int64_t bins = static_cast<std::int64_t>(std::floor(at / width_)) - open_ + 1;
  if (period_ == 0 || bins < 1) return mean_;
  const auto bin = static_cast<std::size_t>(bins);
  return forecast(bin, bin);
}

void Rhythm::save(nlohmann::json& state) const {
  state = {{"open", open_},     {"count", count_},
           {"bins", bins_},     {"products", products_},
           {"mean", mean_},     {"levels", levels_},
           {"period", period_}, {"errors", {rhythm_error_, level_error_}},
           {"seen", seen_},     {"proven", {proven_, next_proven_}}};
  auto& misses = state["misses"] = nlohmann::json::array();
  for (const Miss& m : misses_) misses.push_back({m.forecast, m.came});
}

void Rhythm::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  Rhythm read(width_);
  bool whole = true;
  const auto numbers = [&](const char* key, std::size_t most, auto take) {
    const auto it = state.find(key);
    if (it == state.end() || !it->is_array() || it->size() > most) return void(whole = false);
    std::size_t i = 0;
    for (const auto& v : *it) {
      double x = NAN;
      restore_number(v, -1e36, 1e36, x);
      if (std::isnan(x)) return void(whole = false);
      take(i++, x);
    }
  };
  numbers("bins", kBins, [&](std::size_t, double x) { read.bins_.push_back(x); });
  numbers("levels", kLongest + 1, [&](std::size_t, double x) { read.levels_.push_back(x); });
  numbers("products", read.products_.size(), [&](std::size_t i, double x) { read.products_[i] = x; });
  numbers("errors", 2,
          [&](std::size_t i, double x) { (i == 0 ? read.rhythm_error_ : read.level_error_) = x; });
  const auto open = state.find("open");
  const auto period = state.find("period");
  const auto proven = state.find("proven");
  const auto misses = state.find("misses");
  whole = whole && open != state.end() && open->is_number_integer() && period != state.end() &&
          period->is_number_unsigned() && *period <= kLongest && proven != state.end() &&
          proven->is_array() && proven->size() == 2 && (*proven)[0].is_boolean() &&
          (*proven)[1].is_boolean() && misses != state.end() && misses->is_array() &&
          misses->size() <= kMaxMisses;
  if (!whole) return;
  for (const auto& m : *misses) {
    if (!m.is_array() || m.size() != 2 || !m[0].is_number() || !m[1].is_number()) return;
    read.misses_.push_back({m[0], m[1], width_});
  }
  read.open_ = *open;
  read.period_ = *period;
  read.proven_ = (*proven)[0];
  read.next_proven_ = (*proven)[1];
  restore_number(state, "count", 0, 1e18, read.count_);
  restore_number(state, "mean", 0, 1e18, read.mean_);
  restore_number(state, "seen", 0, 1e18, read.seen_);
  *this = std::move(read);
}

}  // namespace docktor::objective
