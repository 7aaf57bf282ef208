#include "control/history.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace docktor {
namespace {

constexpr std::size_t kMostGone = 16;  // runs that are gone and still there: they leave together

// NaN is equal to NaN here.
auto bits(const HistoryPoint& p) {
  return std::array{std::bit_cast<std::uint32_t>(p.backlog),  std::bit_cast<std::uint32_t>(p.rate_in),
                    std::bit_cast<std::uint32_t>(p.rate_out), std::bit_cast<std::uint32_t>(p.oldest_wait),
                    std::bit_cast<std::uint32_t>(p.current),  std::bit_cast<std::uint32_t>(p.ready),
                    std::bit_cast<std::uint32_t>(p.target),   std::bit_cast<std::uint32_t>(p.min),
                    std::bit_cast<std::uint32_t>(p.max)};
}

}  // namespace

HistorySteps::HistorySteps(float from, float to, std::size_t most)
    : from_(from),
      length_(std::max((to - from) / static_cast<float>(std::max<std::size_t>(most, 1)), 1e-3F)) {}

void HistorySteps::put(const HistoryPoint& point) {
  const auto step = static_cast<long>((point.t - from_) / length_);
  if (steps_.empty() || step != step_) {
    step_ = step;
    steps_.push_back(point);
    return;
  }
  const HistoryPoint before = steps_.back();
  steps_.back() = point;
  // fmax takes the other where one is not known.
  steps_.back().backlog = std::fmax(before.backlog, point.backlog);
  steps_.back().oldest_wait = std::fmax(before.oldest_wait, point.oldest_wait);
}

bool History::due(Time at) {
  if (last_ && at < *last_ + step_) return false;
  // A point that came late does not put off those after it; one after a hole does.
  last_ = last_ && at < *last_ + 2 * step_ ? *last_ + step_ : at;
  return true;
}

void History::put(const HistoryPoint& point) {
  // After a hole in time a new run begins: what lies within one is spread evenly.
  const auto step = static_cast<float>(to_seconds(step_));
  if (begin_ < runs_.size() && bits(runs_.back().first) == bits(point) &&
      point.t < runs_.back().last + 2 * step) {
    runs_.back().last = point.t;
    ++runs_.back().count;
  } else {
    runs_.push_back({point, point.t, 1});
  }
  if (++points_ <= most_) return;
  --points_;
  Run& oldest = runs_[begin_];
  if (oldest.count > 1) {
    oldest.first.t = oldest.t(1);
    --oldest.count;
    return;
  }
  if (++begin_ < kMostGone) return;
  runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
}

void History::read(float from, float to, std::vector<HistoryPoint>& out) const {
  for (std::size_t r = begin_; r < runs_.size(); ++r) {
    const Run& run = runs_[r];
    if (run.last < from || run.first.t > to) continue;
    for (std::uint32_t i = 0; i < run.count; ++i) {
      HistoryPoint p = run.first;
      p.t = run.t(i);
      if (p.t >= from && p.t <= to) out.push_back(p);
    }
  }
}

}  // namespace docktor
