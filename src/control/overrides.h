// What people said about a service, as the controller keeps it: by whom, until when, and over a restart.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

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
    std::string text() const;   ///< "paused by ann until 2026-01-29T14:40:00Z (deploying)"
  };
  struct OtherBounds {
    Bounds bounds;
    std::string by;
    Time since{};
    std::optional<Time> until;
    std::string text() const;
  };

  std::optional<Hold> hold;
  std::optional<OtherBounds> bounds;

  bool empty() const { return !hold && !bounds; }
  std::optional<Time> next_end() const;  ///< when the first of them ends by itself
  /// Drops what has ended; returns a sentence for each.
  std::vector<std::string> expire(Time now);
  void add_to(Overrides& overrides) const;

  nlohmann::json save() const;
  /// Takes up what save() wrote; anything missing, absurd or ended is left out, never an error.
  static StandingOverrides restore(const nlohmann::json& saved, Time now);
  nlohmann::ordered_json shown(Time now) const;  ///< for status
  std::vector<std::string> texts() const;        ///< a sentence for each
};

}  // namespace docktor
