// Bounds by the calendar.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/decision.h"
#include "core/result.h"
#include "core/spec.h"
#include "core/time.h"

namespace docktor {

/// The entries of a service's `schedule`. An entry counts from each instant that its cron names, for its length by the
/// clock on the wall: 22:00 for 10 hours ends at 08:00 also in the night when the clock is put forward or back. What is
/// due in an hour that is left out begins when that hour would have; what is due in an hour that comes twice begins with
/// the first and ends with the second. Where several entries count, the highest min_replicas and the highest max_replicas
/// of those that give one are in effect, and min no higher than max.
///
/// Not thread-safe: what was found is kept until it changes.
class Schedule {
 public:
  Schedule() = default;
  /// Of entries that the configuration has checked; one that cannot be read is left out.
  explicit Schedule(const ServiceSpec& spec);

  bool empty() const { return entries_.empty(); }

  /// The bounds that entries give at `now`, with the reason ("schedule 0 8 * * 1-5, until Mon 18:00 Europe/Berlin");
  /// nothing where none counts: then the service's own bounds apply.
  const std::optional<ScheduledBounds>& at(Time now);

  /// Until then at() gives the same answer.
  Time until() const { return kept_ ? kept_->second.until : Time::min(); }

  struct Change {
    Time at{};
    Bounds bounds;
    std::string shown;  ///< "Mon 2026-11-30 08:00 Europe/Berlin"
  };
  /// When the bounds change next; nothing where that is not within some hundred changes of the entries.
  std::optional<Change> next(Time now) const;

  /// "2026-11-30" (midnight) or "2026-11-30 08:00", in the first entry's time zone; kInvalid for other texts.
  Result<Time> parsed(const std::string& text) const;
  /// The last midnight there.
  Time midnight(Time now) const;
  /// "Mon 2026-11-30 08:00 Europe/Berlin"; empty where there is no entry.
  std::string shown(Time t) const;

 private:
  struct Entry;
  struct State {
    std::optional<ScheduledBounds> bounds;
    Time until{};  ///< nothing changes before
  };
  State look(Time now) const;

  Bounds usual_;
  std::vector<std::shared_ptr<const Entry>> entries_;
  std::optional<std::pair<Time, State>> kept_;  // found at, and what
};

}  // namespace docktor
