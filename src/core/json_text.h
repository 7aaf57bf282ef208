// JSON texts from outside: what is nested without end is refused before anything walks through it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace docktor {

/// Copies, dumps and comparisons of a JSON value recurse, and a stack is small; nothing of ours is nested as
/// deeply as this.
constexpr std::size_t kMaxJsonDepth = 64;

/// Whether objects and lists stand in one another more than `most` levels deep. Pure; one pass.
inline bool nested_deeper_than(std::string_view json, std::size_t most) {
  std::size_t depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > most) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

/// The value; discarded (is_discarded()) where the text is no JSON or nested deeper than kMaxJsonDepth.
template <class Json = nlohmann::json>
Json parse_json(std::string_view text) {
  if (nested_deeper_than(text, kMaxJsonDepth)) return Json(nlohmann::detail::value_t::discarded);
  return Json::parse(text.begin(), text.end(), nullptr, false);
}

/// `text` as a line on a terminal may have it: control characters (C0, DEL, C1), line ends, and what turns
/// the direction of writing round become spaces. `\n` stays where `lines`.
inline std::string plain_text(std::string_view text, bool lines = false) {
  std::string out;
  out.reserve(text.size());
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = at(i);
    const bool control = (c < 0x20 && !(lines && c == '\n')) || c == 0x7f;
    const bool c1 = c == 0xc2 && at(i + 1) >= 0x80 && at(i + 1) < 0xa0;
    // U+2028 to U+202E and U+2066 to U+2069.
    const bool turns = c == 0xe2 && ((at(i + 1) == 0x80 && at(i + 2) >= 0xa8 && at(i + 2) <= 0xae) ||
                                     (at(i + 1) == 0x81 && at(i + 2) >= 0xa6 && at(i + 2) <= 0xa9));
    if (!control && !c1 && !turns) {
      out += text[i];
      continue;
    }
    out += ' ';
    i += c1 ? 1 : turns ? 2 : 0;
  }
  return out;
}

/// plain_text() of every text in `json`, which is nested no deeper than kMaxJsonDepth.
template <class Json>
void make_plain(Json& json, bool lines = false) {
  if (json.is_string()) {
    auto& text = json.template get_ref<std::string&>();
    text = plain_text(text, lines);
  } else if (json.is_structured()) {
    for (auto& v : json) make_plain(v, lines);
  }
}

}  // namespace docktor
