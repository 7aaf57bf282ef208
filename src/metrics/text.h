// The text that Prometheus scrapes.
#pragma once

#include <string>
#include <string_view>

#include "metrics/table.h"

namespace docktor::metrics {

enum class Format { kPrometheus, kOpenMetrics };

/// What the scraper ranks first in its Accept header; the plain text format for everybody else.
Format format_for(std::string_view accept);
std::string_view content_type(Format format);

/// Every row of the table, in its order. A figure without data has no sample.
std::string to_text(const World& world, Format format);

/// The rows as a table for docs/metrics.md.
std::string to_markdown();

}  // namespace docktor::metrics
