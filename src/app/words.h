// The figures of a status and a record, in words and with units.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace docktor {

/// "queue.rate_in", 99.98 → "100 msg/s arriving"; nothing known of the name: "name 99.98".
std::string metric_in_words(std::string_view name, double value);

/// A policy's number, as docs/objective.md has it: "capacity", 20 → "one replica does 20 msg/s"; nothing
/// known of the name: "name 20".
std::string number_in_words(std::string_view name, double value, bool guessed = false);

/// All of a decision's numbers: each with "about" where core/guess.h says so.
std::string number_in_words_of(const nlohmann::ordered_json& numbers, std::string_view name, double value);

/// The seconds of a text that a person wrote: what parse_seconds takes, or whole days, "7d".
std::optional<double> seconds_or_days(const std::string& text);

/// "2026-11-28 09:14:02", in local time. `zone_text` names the zone, once for all: "CET".
std::string local_time(double unix_seconds);
std::string zone_text(double unix_seconds);

/// A text of a record that may be absent or of another type.
std::string text_in(const nlohmann::ordered_json& object, const char* key);

}  // namespace docktor
