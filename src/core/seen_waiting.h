// How old what waits can be at most: by what was seen to wait before.
#pragma once

#include <cstddef>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/time.h"

namespace docktor {

/// Whoever waits now and came before an instant was seen waiting then. So of those that wait now no more are older than
/// an instant than waited at it, and none where the queue was empty, whatever arrivals are believed of queues that
/// count nothing or count late. It takes no order for granted, only that a message does not come back: one that does
/// counts as new.
///
/// Kept are the samples that bound anything: each has fewer waiting than all that came after it. Not thread-safe; memory
/// is bounded.
class SeenWaiting {
 public:
  static constexpr std::size_t kMost = 64;

  struct Seen {
    Time at;
    double waiting;
  };

  /// A sample; one at an instant that was seen already, or before it, takes the place of what is later.
  void see(Time at, double waiting);
  /// What was hidden waits again, or another queue is looked at: what was seen bounds nothing.
  void clear() { seen_.clear(); }

  /// The newest instant at which fewer waited than `rank`, the number from 1 of a message, oldest first, among those
  /// that wait now: it came after that. Nothing where no sample tells.
  std::optional<Time> came_after(double rank) const;
  const std::deque<Seen>& seen() const {
    return seen_;
  }  ///< oldest first, each with more waiting than the one before

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  std::deque<Seen> seen_;
};

}  // namespace docktor
