// Small texts for people: durations, numbers, "did you mean".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/time.h"

namespace docktor {

/// "500ms", "10s", "2m", "1m30s", "3h": the form that the configuration takes back.
std::string short_duration(Duration d);

/// "10" (seconds), "500ms", "10s", "2m", "1m30s", parts in falling order of unit; nothing for any other text.
std::optional<double> parse_seconds(std::string_view text);

/// The candidate nearest to `text` by edit distance, if it is near enough to be a slip of the hand.
std::optional<std::string> did_you_mean(std::string_view text, std::span<const std::string_view> candidates);

/// nats://user:password@host → nats://***@host. Text without credentials comes back as it is.
std::string redacted_url(std::string_view url);

}  // namespace docktor
