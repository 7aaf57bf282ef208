// What people said about a service, as the controller keeps it: by whom, until when, and over a restart.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/decision.h"
#include "core/time.h"

namespace docktor {

/// Plain data of the loop thread. At most one hold and one pair of bounds at a time: a later word takes the
/// place of an earlier one.
struct StandingOverrides {
  /// The policy does not count: a fixed number of replicas, or (without one) as many as there are.
  struct Hold {
    std::optional<int> replicas;
    std::string by;
    std::string reason;
    Time since{};
    std::optional<Time> until;  ///< without: until `docktor resume`
    Duration by_wall{};         ///< so much later do clocks on the wall show what is told
    std::string text() const;   ///< "paused by ann until 2026-01-29T14:40:00Z (deploying)"
  };
  struct OtherBounds {
    Bounds bounds;
    std::string by;
    Time since{};
    std::optional<Time> until;
    Duration by_wall{};
    std::string text() const;
  };

  std::optional<Hold> hold;
  std::optional<OtherBounds> bounds;

  bool empty() const { return !hold && !bounds; }
  std::optional<Time> next_end() const;  ///< when the first of them ends by itself
  /// Drops what has ended; returns a sentence for each.
  std::vector<std::string> expire(Time now);
  void add_to(Overrides& overrides) const;

  /// Times are told by what clocks on the wall show; what ends, ends when it was to.
  void tell_by(Duration by_wall);

  nlohmann::json save(const Clock& clock) const;
  /// Takes up what save() wrote; anything missing, absurd or ended is left out, never an error. An end is that of the time
  /// that was asked for, as the machine counts it; after a new start of the machine, or on another, it is told by clocks on
  /// the wall, and comes no later than the time that was asked for from now.
  static StandingOverrides restore(const nlohmann::json& saved, const Clock& clock);
  nlohmann::ordered_json shown(Time now) const;  ///< for status
  std::vector<std::string> texts() const;        ///< a sentence for each
};

}  // namespace docktor
