// A model's answer as advice: parsed strictly, since it is data from outside. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/advice.h"
#include "core/result.h"

namespace docktor::llm {

inline constexpr std::size_t kMaxAnswer = 16 << 10;  ///< bytes of text that are looked at; more is refused
inline constexpr int kMostAdvisedSeconds = 86'400;   ///< a longer delay is absurd
inline constexpr int kMostAdvisedReplicas = 1'000'000;

/// One JSON object and nothing else, with `action` and what belongs to it, whole numbers within range, no
/// unknown key and none twice. For a scale-down (`down`) agree, delay and cancel are answers, else agree and
/// add. kInvalid says what is wrong, without repeating the answer.
Result<Advice> parse_advice(std::string_view text, bool down);

/// The JSON Schema that says the same to an engine that constrains its output.
nlohmann::ordered_json advice_schema(bool down);

/// Text from outside as one printable line of valid UTF-8, at most `most` bytes; what is not printable
/// becomes a space.
std::string one_line(std::string_view text, std::size_t most);

}  // namespace docktor::llm
