// A look at queue and replicas without a daemon: what `status` shows where none runs.
#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "control/paths.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor {

/// Reads each service (or one) twice, a second apart, so that there are rates; takes some seconds, at most
/// ten with a queue that does not answer. Only looks: no replica is adopted, nothing is written. The answer
/// has the shape of the daemon's status, with "daemon": false, and with what a fresh policy would decide on
/// so short a look. kNotFound for an unknown service.
Result<nlohmann::ordered_json> look(const Config& config, const Instance& instance,
                                    const std::string& service, const std::stop_token& stop);

}  // namespace docktor
