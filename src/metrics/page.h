// docs/metrics.md: its tables are generated.
#pragma once

#include <string>
#include <string_view>

namespace docktor::metrics {

/// The page with its two tables as they are now; empty where a mark is missing.
std::string with_tables(std::string_view page);

}  // namespace docktor::metrics
