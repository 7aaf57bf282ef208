// Workers as a user describes them: `poll=500ms,fetch=100,cv=3`, for `simulate --worker` and the
// configuration.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "sim/world.h"

namespace docktor::sim {

/// One habit of core/worker_habits.h, its value as written. kInvalid, with the form that is right, for anything else. `crash` is a fault of the world, the others are the workers'.
Result<void> set_worker(World& world, std::string_view name, std::string_view value);

/// Several, with commas between.
Result<void> set_workers(World& world, std::string_view text);

}  // namespace docktor::sim
