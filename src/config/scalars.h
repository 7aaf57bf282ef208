// Texts as numbers and durations, checked against their knob's bounds.
#pragma once

#include <string>
#include <string_view>

#include "config/knobs.h"
#include "core/result.h"
#include "core/time.h"

namespace docktor {

/// Each fails (kInvalid) with `key is "text"; what is allowed`. `shown` stands there instead of the quoted
/// text where it is given: what a variable put in is not repeated.
Result<int> integer_of(const Knob& knob, std::string_view text, std::string_view shown = {});
Result<double> number_of(const Knob& knob, std::string_view text, std::string_view shown = {});
/// `50%` as 0.5.
Result<double> percent_of(const Knob& knob, std::string_view text, std::string_view shown = {});
/// true, false, yes, no, on, off, y, n, in lower, upper and first-letter case.
Result<bool> bool_of(const Knob& knob, std::string_view text, std::string_view shown = {});
Result<std::string> text_of(const Knob& knob, std::string_view text, std::string_view shown = {});

/// `10` (seconds), `0.5`, `500ms`, `10s`, `2m`, `1h`, `1m30s`.
Result<Duration> duration_of(const Knob& knob, std::string_view text, std::string_view shown = {});

/// The shortest text that duration_of() takes back without loss: "1m30s", "1h0m1s", "2.5ms".
std::string exact_duration(Duration d);

}  // namespace docktor
