// The operations as the running daemon carries them out: from arguments to the controller.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "api/operations.h"
#include "control/controller.h"

namespace docktor {

/// Checks the arguments against the operation's schema and does it. Loop thread; blocks for nothing. Those
/// that read the journal (list_decisions, explain, simulate) are not the daemon's: whoever asks reads the
/// files.
Result<nlohmann::ordered_json> operate(Controller& controller, const std::string& operation,
                                       const nlohmann::json& arguments, const Asker& asker);

}  // namespace docktor
