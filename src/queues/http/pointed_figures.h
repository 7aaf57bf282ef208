// Figures out of a JSON document, by pointers of the user's.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/result.h"
#include "queues/over_http/figures.h"

namespace docktor {

/// Whether a text is a JSON pointer (RFC 6901): empty, or it begins with a slash and escapes ~ as ~0 and / as ~1.
bool is_pointer(const std::string& text);

/// The number there: a JSON number, or text that is a whole number. kUnavailable, with the figure's key and what is there
/// instead, for anything else.
Result<double> number_at(const nlohmann::json& document, std::string_view key, const std::string& pointer);

/// Unix seconds there: a number (of seconds, or milliseconds where it is too large for these), or a text as RFC 3339 has it.
Result<double> instant_at(const nlohmann::json& document, std::string_view key, const std::string& pointer);

}  // namespace docktor
