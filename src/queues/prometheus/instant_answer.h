// What Prometheus answers to an instant query.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

/// One value of one series.
struct InstantValue {
  double value = 0;  ///< may be NaN or infinite
  std::string at;    ///< the query's time on the server's clock, Unix seconds as it wrote them
  double at_seconds = 0;
};

/// The one value of a vector or a scalar; nothing for an empty vector. kUnavailable, with words to stand behind the figure's
/// name: several series, warnings (a partial answer), an error of the query. kInternal: not such an answer.
Result<std::optional<InstantValue>> parse_instant(std::string_view json);

/// The version in what /api/v1/status/buildinfo answers, fit to be shown; empty: it tells none.
std::string version_in(std::string_view json);

/// Whether a query is one selector, jobs_waiting{queue="mail"}: of such a one the server tells when its value was taken.
bool is_selector(std::string_view query);

}  // namespace docktor
