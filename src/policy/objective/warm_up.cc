#include "policy/objective/warm_up.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "policy/objective/restore.h"

namespace docktor::objective {
namespace {

constexpr double kAsOld = 0.9;    // of full speed: what is surely below that is a warm-up
constexpr double kSure = 2;       // standard deviations
constexpr double kSlowest = 0.1;  // of full speed
constexpr double kMost = 1.1;     // chance goes both ways
constexpr double kDrift =
    2e-5;  // variance that a share gains with each sample: a new version may be different
constexpr double kMostVariance = 0.1;
constexpr double kOutlier = 3;  // standard deviations: more of one sample is not believed

}  // namespace

std::array<double, WarmUp::kSpans> WarmUp::counts(const std::deque<Time>& young, Time at) const {
  std::array<double, kSpans> n{};
  for (const Time t : young) {
    const double age = to_seconds(at - t);
    for (std::size_t i = 0; i < kSpans; ++i) n[i] += age >= kEdges[i] && age < kEdges[i + 1];
  }
  return n;
}

double WarmUp::share(std::size_t span) const {
  const bool sure = share_[span] + kSure * std::sqrt(variance_[span]) < kAsOld;
  return sure ? std::max(share_[span], kSlowest) : 1;
}

double WarmUp::missing(const std::deque<Time>& young, Time at) const {
  const auto n = counts(young, at);
  double sum = 0;
  for (std::size_t i = 0; i < kSpans; ++i) sum += n[i] * (1 - share(i));
  return sum;
}

double WarmUp::worked(double age) const {
  if (age <= 0) return 0;
  double sum = std::max(0.0, age - kEdges[kSpans]);
  for (std::size_t i = 0; i < kSpans && age > kEdges[i]; ++i)
    sum += share(i) * (std::min(age, kEdges[i + 1]) - kEdges[i]);
  return sum;
}

void WarmUp::add(const std::deque<Time>& young, Time at, double seconds, double working, double replicas,
                 double variance) {
  auto n = counts(young, at);
  // Those that began within these seconds worked for half of them.
  for (const Time t : young) n[0] -= to_seconds(at - t) < seconds ? 0.5 : 0;
  double expected = working, spread = variance;
  for (std::size_t i = 0; i < kSpans; ++i) {
    variance_[i] = std::min(kMostVariance, variance_[i] + kDrift);
    expected -= n[i] * (1 - share_[i]);
    spread += n[i] * n[i] * variance_[i];
  }
  if (!(spread > 0)) return;
  const double most = kOutlier * std::sqrt(spread);
  const double error = std::clamp(replicas - expected, -most, most);
  for (std::size_t i = 0; i < kSpans; ++i) {
    if (n[i] == 0) continue;
    const double gain = n[i] * variance_[i] / spread;
    share_[i] = std::clamp(share_[i] + gain * error, 0.0, kMost);
    variance_[i] *= 1 - gain * n[i];
  }
}

void WarmUp::save(nlohmann::json& state) const { state = {{"share", share_}, {"variance", variance_}}; }

void WarmUp::restore(const nlohmann::json& state) {
  if (!state.is_object()) return;
  const auto numbers = [&](const char* key, double least, double most, std::array<double, kSpans>& out) {
    const auto it = state.find(key);
    if (it == state.end() || !it->is_array() || it->size() != kSpans) return;
    for (std::size_t i = 0; i < kSpans; ++i) restore_number((*it)[i], least, most, out[i]);
  };
  numbers("share", 0, kMost, share_);
  numbers("variance", 0, kMostVariance, variance_);
}

}  // namespace docktor::objective
