// Every kind of lease that daemons may share: the one place that lists them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/finding.h"
#include "core/lease.h"
#include "core/lease_spec.h"
#include "core/result.h"

namespace docktor {

/// nullptr where the configuration asks for none. The error says what is not to be found.
Result<std::unique_ptr<Lease>> open_lease(const std::optional<LeaseSpec>& spec, LeaseParts parts);

/// For `config validate`: whether it can be had, and who has it. Blocking, for seconds.
std::vector<Finding> check_lease(const LeaseSpec& spec);

}  // namespace docktor
