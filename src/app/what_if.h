// The operation `simulate`: the recorded load of a service, run against its policy or another one.
#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>

#include "control/paths.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor {

/// Arguments as the operation's schema has them. Capacity and start-up time are what the journal learned,
/// unless given; without either kInvalid says which one is needed. Seconds of work for a day of load.
Result<nlohmann::ordered_json> what_if(const Config& config, const Instance& instance,
                                       const nlohmann::json& arguments, const std::stop_token& stop);

}  // namespace docktor
