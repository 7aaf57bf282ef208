// Rows that the tables of several kinds of queues have in common: where the queue is, and who asks.
#pragma once

#include <string_view>

#include "config/knobs.h"

namespace docktor::queue_keys {

inline constexpr double kMaxText = 4096;

constexpr Knob url(std::string_view meaning) {
  return {.key = "url",
          .type = KnobType::kUrl,
          .meaning = meaning,
          .least = 1,
          .most = kMaxText,
          .variable = "DOCKTOR_QUEUE_URL",
          .required = true,
          .secret = true};
}
constexpr Knob user(std::string_view meaning = "User name.") {
  return {.key = "user",
          .type = KnobType::kText,
          .meaning = meaning,
          .least = 0,
          .most = kMaxText,
          .variable = "DOCKTOR_QUEUE_USER"};
}
constexpr Knob password(std::string_view meaning = "Password of the user.") {
  return {.key = "password",
          .type = KnobType::kText,
          .meaning = meaning,
          .least = 0,
          .most = kMaxText,
          .variable = "DOCKTOR_QUEUE_PASSWORD",
          .secret = true,
          .file_key = "password_file"};
}

}  // namespace docktor::queue_keys
