// How workers behave, as a user describes them to the simulator: the names and the values that they take. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace docktor {

/// The value of a habit: seconds, a number, or a number an hour; `text` as written ("500ms", "3", "4/h"). kInvalid, with
/// the form that is right, for anything else and for a name that is none.
Result<double> habit_value(std::string_view name, std::string_view text);

std::vector<std::string_view> habit_names();

/// `poll=500ms, fetch=100, ...`, for messages and help.
std::string habits_shown();

}  // namespace docktor
