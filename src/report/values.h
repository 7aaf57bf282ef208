// The values that the page shows under the pointer.
#pragma once

#include <string>

#include "report/report.h"

namespace docktor::report {

/// JSON, safe inside <script>: the load and each policy's replicas, highest backlog and highest p99 in at
/// most 240 bins, as texts ready to be shown.
std::string values(const Report& report);

}  // namespace docktor::report
