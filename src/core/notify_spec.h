// Whom docktor tells of trouble, and of what: of the daemon, not of a service. One table of what can be told, from
// which configuration, notifications and their page take names and words.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/condition.h"
#include "core/settings.h"
#include "core/time.h"

namespace docktor {

/// Something that can be told.
struct EventInfo {
  std::string_view name;
  bool lasts = true;  ///< it begins and ends; else it happens
  bool usual = true;  ///< told where a channel names no events
  std::string_view severity = "warning";
  std::string_view words;  ///< for people
};

/// Beside the conditions, which are events, too.
inline constexpr std::array<EventInfo, 10> kEvents{{
    {"late", true, true, "critical", "messages wait longer than max_wait"},
    {"dead", true, true, "warning", "messages were given up after their last delivery"},
    {"silent", true, false, "warning", "no message has come for an hour"},
    {"order_failed", true, true, "warning", "replicas could not be started or stopped"},
    {"reload_refused", true, true, "warning", "the configuration was refused; the previous one is in use"},
    {"scaled", false, false, "info", "the number of replicas was changed"},
    {"woken", false, false, "info", "woken from zero replicas"},
    {"to_zero", false, false, "info", "taken to zero replicas"},
    {"started", false, false, "info", "docktor was started"},
    {"stopped", false, false, "info", "docktor was stopped"},
}};

/// A condition as an event: trouble is told unasked, and so is what waits for a person.
inline constexpr EventInfo event_of(const ConditionInfo& c) {
  return {c.name, true, c.trouble || c.condition == Condition::kApproval, c.trouble ? "warning" : "info",
          c.words};
}

/// All of them, the conditions first.
inline std::vector<EventInfo> all_events() {
  std::vector<EventInfo> all;
  for (const auto& c : kConditions) all.push_back(event_of(c));
  all.insert(all.end(), kEvents.begin(), kEvents.end());
  return all;
}

/// Words for several events in a list of them.
struct EventGroup {
  std::string_view name;
  std::string_view meaning;
};
inline constexpr std::array<EventGroup, 3> kEventGroups{{
    {"usual", "those that are told where a channel names none"},
    {"all", "all there are"},
    {"override", "paused, scaled_by_hand, bounds_by_hand"},
}};

inline bool in_group(std::string_view group, const EventInfo& e) {
  if (group == "usual") return e.usual;
  if (group == "override")
    return e.name == "paused" || e.name == "scaled_by_hand" || e.name == "bounds_by_hand";
  return group == "all";
}

/// One receiver.
struct ChannelSpec {
  std::string name;
  Secret url;                                    ///< may hold tokens and passwords
  std::string shown;                             ///< of it, for people: "slack://***"
  std::vector<Secret> keys;                      ///< signs with each of them: "whsec_" and base64
  std::vector<std::string> events;               ///< names and groups; empty: the usual ones
  std::vector<std::string> services;             ///< empty: all
  Duration hold_off = std::chrono::seconds(30);  ///< something must last so long, and be over so long
  std::string page;                              ///< http.public_url, for links; may be empty
  Duration repeat{};                             ///< told again so often while it lasts; 0: once
  friend bool operator==(const ChannelSpec&, const ChannelSpec&) = default;

  bool takes_event(const EventInfo& e) const {
    if (events.empty()) return e.usual;
    for (const auto& name : events) {
      if (name == e.name || in_group(name, e)) return true;
    }
    return false;
  }
  bool takes_service(std::string_view service) const {
    if (services.empty() || service.empty()) return true;
    for (const auto& name : services) {
      if (name == service) return true;
    }
    return false;
  }
};

/// What a configuration must know of a receiver's address.
struct ReceiverTraits {
  std::string shown;   ///< without what is secret
  bool signs = false;  ///< takes keys
  bool tells = true;   ///< of events; else it only hears that docktor lives
};

/// What became of a channel's notifications, from 0 when docktor starts.
struct ChannelFigures {
  std::string name;
  std::uint64_t sent = 0, failures = 0, dropped = 0;
  std::string trouble;  ///< for people; empty where the last one arrived
};

}  // namespace docktor
