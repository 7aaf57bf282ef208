// Instants as RFC 3339 writes them, the form of Docker's and Kubernetes' APIs.
#pragma once

#include <optional>
#include <string_view>

#include "core/time.h"

namespace docktor {

/// 2025-01-29T14:30:00.123456789Z, with an offset too. Nothing for Docker's zero time "0001-01-01..." or
/// nonsense. Pure.
std::optional<Time> parse_rfc3339(std::string_view text);

}  // namespace docktor
