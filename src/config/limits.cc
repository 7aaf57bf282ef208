// Replicas, steps, intervals, cooldowns of a service, and how they must fit together.
#include <fmt/format.h>

#include <algorithm>

#include "config/parts.h"
#include "config/scalars.h"
#include "core/meter.h"

namespace docktor {

namespace {

// Two values that do not fit are told where the one stands that overrides, since that is the one to look at
// first.
template <class T>
const Place& place_of_misfit(const Read<T>& usual, const Read<T>& other) {
  return usual.place.name.empty() && !other.place.name.empty() ? other.place : usual.place;
}

void read_replicas(Section& from, LimitsSpec& limits) {
  const auto min = from.integer("min_replicas");
  const auto max = from.integer("max_replicas");
  if (min) limits.min_replicas = min->value;
  if (max) limits.max_replicas = max->value;
  if (min && max && max->value < min->value) {
    from.context().mistakes.add(
        place_of_misfit(*max, *min),
        fmt::format("max_replicas is {}, below min_replicas {}; allowed: max_replicas of {} or more",
                    max->value, min->value, min->value));
  }
}

void read_steps(Section& from, LimitsSpec& limits) {
  const auto up = from.integer("scale_up_by");
  const auto down = from.integer("scale_down_by");
  if (up) limits.scale_up_by = up->value;
  if (down) limits.scale_down_by = down->value;
  limits.steps_given = (up && up->given) || (down && down->given);
}

// With an objective each sample is decided on, and a fifth of what a message may wait is spent on knowing of it at most.
constexpr int kIntervalsInAWait = 5;
constexpr Duration kShortestByWait = std::chrono::milliseconds(500);
constexpr Duration kUsualSample = std::chrono::seconds(1);

}  // namespace

void read_intervals(Section& from, ServiceSpec& into) {
  const auto check = from.duration("check_interval");
  const auto sample = from.duration("sample_interval");
  const auto window = from.duration("metrics_window");
  if (check) into.check_interval = check->value;
  if (window) into.metrics_window = window->value;
  // Advice may take half the check interval: a second would be none.
  const bool check_follows = into.objective && check && !check->given && !from.context().advised;
  into.sample_interval = kUsualSample;
  if (into.objective)
    into.sample_interval =
        std::clamp(into.objective->max_wait / kIntervalsInAWait, kShortestByWait, kUsualSample);
  if (!check_follows) into.sample_interval = std::min(into.sample_interval, into.check_interval);
  if (sample) into.sample_interval = sample->value;
  if (check_follows) into.check_interval = into.sample_interval;

  auto& mistakes = from.context().mistakes;
  if (check && sample && !check_follows && sample->value > check->value) {
    mistakes.add(
        place_of_misfit(*sample, *check),
        fmt::format(
            "sample_interval is {}, longer than check_interval {}; allowed: sample_interval of {} or less",
            exact_duration(sample->value), exact_duration(check->value), exact_duration(check->value)));
  }
  constexpr auto kMost = static_cast<std::int64_t>(Meter::kMaxSamples) - 1;
  if (window && window->value > kMost * into.sample_interval) {
    mistakes.add(window->place,
                 fmt::format("metrics_window is {}, more than {} samples of {}; allowed: {} or less",
                             exact_duration(window->value), kMost, exact_duration(into.sample_interval),
                             exact_duration(kMost * into.sample_interval)));
  }
}

void read_limits(Section& from, ServiceSpec& into) {
  read_replicas(from, into.limits);
  read_steps(from, into.limits);
  const auto set = [&](std::string_view key, Duration& field) {
    if (const auto d = from.duration(key)) field = d->value;
  };
  set("cooldown_up", into.limits.cooldown_up);
  set("cooldown_down", into.limits.cooldown_down);
  set("stabilization", into.limits.stabilization);
}

}  // namespace docktor
