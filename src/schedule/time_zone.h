// Time zones by name, of the system's tz database.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

/// Whether there is such a zone: "Europe/Berlin". kInvalid with what was probably meant. Thread-safe.
Result<void> check_time_zone(const std::string& name);

/// The machine's zone: what the variable TZ names, where it does, else that of /etc/localtime, else UTC.
std::string local_time_zone(std::string_view tz_variable);

}  // namespace docktor
