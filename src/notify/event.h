// What is told: something that began, still holds, ended, or happened.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "control/figures.h"
#include "core/notify_spec.h"

namespace docktor::notify {

enum class Phase { kBegin, kStill, kEnd, kOnce };

inline constexpr std::string_view to_string(Phase p) {
  return p == Phase::kBegin ? "begin" : p == Phase::kStill ? "still" : p == Phase::kEnd ? "end" : "once";
}

/// Of what an event is: the same trouble of the same service is told once.
struct Key {
  std::string service;  ///< empty: of the daemon
  std::string event;
  friend auto operator<=>(const Key&, const Key&) = default;
};

struct Event {
  std::string id;  ///< unique; the same at each try
  EventInfo info;
  Phase phase = Phase::kOnce;
  std::string service;
  std::string what;    ///< in place of the table's words, where there is more to say: "4 → 3 replicas"
  std::string detail;  ///< beyond the words; may be empty
  Time at{};
  Time since{};               ///< when it began
  ServiceFiguresPtr figures;  ///< as they stood; may be null
  std::string decision;       ///< its id; may be empty

  Key key() const { return {service, std::string(info.name)}; }
};

/// What a look at the daemon showed.
struct Sight {
  Time now{};
  std::vector<ServiceFiguresPtr> services;
  std::vector<DecisionNote> notes;  ///< since the look before
  std::string reload_error;         ///< empty when the last reload was taken
};

/// Who tells.
struct Sender {
  std::string host;
  std::string instance;  ///< the configuration's path
  std::string page;      ///< where people see more, without a slash at the end; may be empty
};

}  // namespace docktor::notify
