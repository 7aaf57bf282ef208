// ${VAR} and ${VAR:-default} in the values of a configuration.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/environment.h"
#include "core/result.h"

namespace docktor {

inline constexpr std::size_t kMaxInterpolatedBytes = 1 << 20;

/// Works on one scalar after YAML was parsed, so that a variable's content never becomes structure and is not
/// interpolated again. `${VAR:-default}` gives the default where VAR is unset or empty; `$$` is a dollar
/// sign; a `$` before anything else stays as it is. Fails (kInvalid) on a variable without value or default
/// and on anything else behind `${`, and on a
/// result of more than kMaxInterpolatedBytes; the message says what to write.
Result<std::string> interpolate(std::string_view text, const Environment& env);

}  // namespace docktor
