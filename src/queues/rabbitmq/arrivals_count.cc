#include "queues/rabbitmq/arrivals_count.h"

#include <algorithm>

namespace docktor {

namespace {

constexpr std::size_t kSteps = 5;         // each some 5 s
constexpr std::int64_t kFewMessages = 5;  // given back by a worker, or just not counted yet
constexpr double kClear = 0.15;           // of the traffic: more than the figures' ages explain
constexpr double kNoMore = kClear / 3;

std::int64_t held(const ArrivalsCount::Figures& f) {
  return static_cast<std::int64_t>(f.waiting) + static_cast<std::int64_t>(f.delivered);
}

}  // namespace

void ArrivalsCount::begin(const Figures& now) {
  if (!begun_)
    arrived_ = now.publish;
  else if (now.publish > publish_)
    arrived_ += now.publish - publish_;
  begun_ = true;
  derived_ = false;
  publish_ = now.publish;
  steps_.clear();
  keep(now);
}

void ArrivalsCount::keep(const Figures& now) {
  steps_.push_back({now.publish, now.delivered, held(now) - static_cast<std::int64_t>(now.publish)});
}

void ArrivalsCount::step(const Figures& now) {
  if (derived_) {
    const auto by_sum = offset_ + held(now);
    if (by_sum > static_cast<std::int64_t>(arrived_)) arrived_ = static_cast<std::uint64_t>(by_sum);
  } else if (now.publish > publish_) {
    arrived_ += now.publish - publish_;
  }
  publish_ = now.publish;
  keep(now);
  if (steps_.size() < kSteps) return;
  const bool before = derived_;
  decide();
  if (derived_ && !before) offset_ = static_cast<std::int64_t>(arrived_) - held(now);
  steps_.pop_front();
}

// A burst that is not counted yet is so in one step only.
void ArrivalsCount::decide() {
  const auto& s = steps_;
  const auto grown = static_cast<double>(std::min(s[kSteps - 2].unpublished, s[kSteps - 1].unpublished) -
                                         std::max(s[0].unpublished, s[1].unpublished));
  const auto traffic = static_cast<double>(
      std::max(s.back().publish - s.front().publish, s.back().delivered - s.front().delivered));
  derived_ = grown > static_cast<double>(kFewMessages) && grown > (derived_ ? kNoMore : kClear) * traffic;
}

std::uint64_t ArrivalsCount::total(std::uint64_t publish) const {
  return derived_ || publish < publish_ ? arrived_ : arrived_ + (publish - publish_);
}

}  // namespace docktor
