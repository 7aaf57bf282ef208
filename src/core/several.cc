#include "core/several.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace docktor {

namespace {

using Parts = std::vector<NamedSample>;
using Gauge = std::optional<std::uint64_t> QueueSample::*;

std::optional<std::uint64_t> told_by_all(const Parts& parts, Gauge gauge) {
  std::uint64_t sum = 0;
  for (const auto& p : parts) {
    const auto& v = p.shown.*gauge;
    if (!v) return std::nullopt;
    sum += *v;
  }
  return sum;
}

// A queue in which nothing waits has no oldest message to tell of.
std::optional<Duration> oldest(const Parts& parts) {
  std::optional<Duration> age;
  for (const auto& p : parts) {
    if (!p.shown.oldest_age && p.shown.num_pending > 0) return std::nullopt;
    if (p.shown.oldest_age) age = std::max(age.value_or(Duration::zero()), *p.shown.oldest_age);
  }
  return age;
}

// A queue without a bound can feed any number, whatever the others can.
std::optional<UsefulReplicas> useful(const Parts& parts) {
  std::int64_t most = 0;
  std::string why;
  for (const auto& p : parts) {
    if (!p.shown.useful) return std::nullopt;
    most += p.shown.useful->most;
    why += fmt::format("{}{} of {}", why.empty() ? "" : ", ", p.shown.useful->why, p.name);
  }
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  return UsefulReplicas{static_cast<int>(std::min(most, kMost)), std::move(why)};
}

}  // namespace

QueueSample sum_of(std::vector<NamedSample> parts) {
  std::ranges::sort(parts, {}, &NamedSample::name);
  QueueSample sum;
  std::string paused;
  std::uint64_t closed = 0;  // what waits where it is given to nobody
  for (const auto& p : parts) {
    const QueueSample& q = p.shown;
    (q.paused.empty() ? sum.num_pending : closed) += q.num_pending;
    if (!q.paused.empty()) paused += fmt::format("{}{}: {}", paused.empty() ? "" : "; ", p.name, q.paused);
    sum.step = std::max(sum.step, q.step);
    sum.rebalancing |= q.rebalancing;  // a replica is a consumer of all
  }
  const bool all_paused = std::ranges::none_of(parts, [](const auto& p) { return p.shown.paused.empty(); });
  if (all_paused) {
    sum.num_pending = closed;
    sum.paused = std::move(paused);
  }
  sum.redelivered_after = std::ranges::max_element(parts, {}, [](const auto& p) {
                            return p.shown.redelivered_after;
                          })->shown.redelivered_after;
  for (const Gauge gauge :
       {&QueueSample::num_ack_pending, &QueueSample::num_waiting, &QueueSample::num_redelivered,
        &QueueSample::dead, &QueueSample::scheduled, &QueueSample::consumers})
    sum.*gauge = told_by_all(parts, gauge);
  sum.oldest_age = oldest(parts);
  sum.useful = useful(parts);
  sum.parts = std::move(parts);
  return sum;
}

bool is_queue_name(std::string_view name) {
  constexpr std::size_t kLongest = 63;
  return !name.empty() && name.size() <= kLongest && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace docktor
