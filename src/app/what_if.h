// The operation `simulate`: the recorded load of a service, run against its policy or another one.
#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "control/paths.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor {

/// The service of that name, or the only one; kNotFound names those that there are.
Result<const ServiceSpec*> service_meant(const Config& config, const std::string& name);

/// Arguments as the operation's schema has them. Capacity and start-up time are what the journal learned,
/// unless given; without either kInvalid says which one is needed. Seconds of work for a day of load.
Result<nlohmann::ordered_json> what_if(const Config& config, const Instance& instance,
                                       const nlohmann::json& arguments, const std::stop_token& stop);

}  // namespace docktor
