// Faults and habits of the simulated world as texts: what `docktor simulate --fault` takes.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "sim/world.h"

namespace docktor::sim {

/// Sets one by its text, "lose-sample=0.1" or "blackout=600+60" (from second 600 on, for 60). kInvalid, with
/// what is allowed, for anything else.
Result<void> set_fault(World& world, std::string_view text);

/// "lose-sample=SHARE, sample-delay=SECONDS, ...", for help texts.
std::string fault_names();

}  // namespace docktor::sim
