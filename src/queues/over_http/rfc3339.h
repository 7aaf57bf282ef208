// Times as RFC 3339 writes them.
#pragma once

#include <optional>
#include <string>

namespace docktor {

/// "2024-01-31T12:00:00.5+02:00" as Unix seconds; nothing for any other text.
std::optional<double> parse_rfc3339(const std::string& text);

}  // namespace docktor
