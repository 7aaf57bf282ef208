// Fields of the API server's objects. What is missing, or of another type than it should be, is absent; nothing throws.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/json_text.h"

namespace docktor::kube {

/// null where it is not there.
inline const nlohmann::json& field(const nlohmann::json& j, std::string_view key) {
  static const nlohmann::json none;
  if (!j.is_object()) return none;
  const auto at = j.find(key);
  return at == j.end() ? none : *at;
}
/// As it came: for what goes back to the server. Empty where it is no text.
inline std::string raw_text(const nlohmann::json& j, std::string_view key) {
  const auto& v = field(j, key);
  return v.is_string() ? v.get<std::string>() : std::string();
}
/// For people: one printable line of at most `most` bytes.
inline std::string short_text(std::string_view text, std::size_t most = 300) {
  if (text.size() > most) {
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0u) == 0x80u)
      --most;  // not in a letter's midst
    text = text.substr(0, most);
  }
  return plain_text(text);
}
inline std::string text(const nlohmann::json& j, std::string_view key) {
  return short_text(raw_text(j, key));
}
inline bool flag(const nlohmann::json& j, std::string_view key) {
  const auto& v = field(j, key);
  return v.is_boolean() && v.get<bool>();
}
/// 0 where it is no whole number; clamped to a million.
inline int number(const nlohmann::json& j, std::string_view key) {
  const auto& v = field(j, key);
  return v.is_number_integer()
             ? static_cast<int>(std::clamp<std::int64_t>(v.get<std::int64_t>(), -1'000'000, 1'000'000))
             : 0;
}
/// The list at a key; an empty one where it is none.
inline const nlohmann::json& list(const nlohmann::json& j, std::string_view key) {
  static const nlohmann::json none = nlohmann::json::array();
  const auto& v = field(j, key);
  return v.is_array() ? v : none;
}

}  // namespace docktor::kube
