// The operation `decide`: what rules would decide on given numbers.
#pragma once

#include <nlohmann/json.hpp>

#include "core/result.h"
#include "core/spec.h"

namespace docktor {

/// `status` is the service's, from the daemon or a look: its bounds are in force, those of the arguments can
/// only narrow them; observations and replicas come from it where the arguments have none. Arguments as the
/// operation's schema has them; kInvalid for an unknown metric or rules that are nowhere. Pure.
Result<nlohmann::ordered_json> try_rules(const Config& config, const nlohmann::ordered_json& status,
                                         const nlohmann::json& arguments);

}  // namespace docktor
