#include "config/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace docktor {

YamlText::YamlText(std::string_view text) : text_(text), line_starts_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
}

Position YamlText::position_of(std::size_t offset) const {
  const auto next = std::ranges::upper_bound(line_starts_, offset);
  return {static_cast<int>(next - line_starts_.begin()), static_cast<int>(offset - *(next - 1)) + 1};
}

namespace {

// Length of the UTF-8 character that `s` begins with, 0 if it is none. Overlong forms, surrogates and what
// lies beyond U+10FFFF are none.
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < s.size() ? s[i] : 0); };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const auto b = byte(0);
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return tail(1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) {
    if ((b == 0xE0 && byte(1) < 0xA0) || (b == 0xED && byte(1) > 0x9F)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (b >= 0xF0 && b <= 0xF4) {
    if ((b == 0xF0 && byte(1) < 0x90) || (b == 0xF4 && byte(1) > 0x8F)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<std::pair<Position, std::string>> YamlText::bad_character() const {
  for (std::size_t i = 0; i < text_.size();) {
    const auto c = static_cast<unsigned char>(text_[i]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      return std::pair{position_of(i), fmt::format("a control character (0x{:02x}); allowed: text", c)};
    }
    // Web pages and word processors put it there, and it looks like a blank.
    constexpr std::string_view kNoBreakSpace = "\xC2\xA0";
    if (text_.substr(i).starts_with(kNoBreakSpace)) {
      const auto line = text_.rfind('\n', i);
      const auto before = text_.substr(line == std::string_view::npos ? 0 : line + 1);
      if (before.find_first_not_of(" \xC2\xA0") + (before.data() - text_.data()) > i)
        return std::pair{position_of(i),
                         std::string("a no-break space indents this line; write plain blanks")};
    }
    const auto length = utf8_length(text_.substr(i));
    if (length == 0)
      return std::pair{position_of(i), fmt::format("byte 0x{:02x} is not UTF-8; save the file as UTF-8", c)};
    i += length;
  }
  return std::nullopt;
}

std::string_view YamlText::from(Position at) const {
  const auto line = static_cast<std::size_t>(at.line) - 1;
  if (at.line < 1 || at.column < 1 || line >= line_starts_.size()) return {};
  const auto offset = line_starts_[line] + static_cast<std::size_t>(at.column) - 1;
  return offset < text_.size() ? text_.substr(offset) : std::string_view{};
}

bool YamlText::tab_indents(int line) const {
  const auto text = from({line + 1, 1});
  const auto end = text.find_first_not_of(" \t");
  return text.substr(0, end).find('\t') != std::string_view::npos;
}

// The parser's mark stands on a tag or an anchor where there is one: `!!str "a"`.
std::string_view YamlText::scalar_at(Position at) const {
  auto text = from(at);
  while (!text.empty() && (text[0] == '!' || text[0] == '&')) {
    text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  }
  return text;
}

bool YamlText::quote_is_open(Position at) const {
  const auto text = scalar_at(at);
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) return false;
  const char quote = text[0];
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\')
      ++i;
    else if (text[i] == quote) {
      const bool doubled = quote == '\'' && i + 1 < text.size() && text[i + 1] == quote;
      if (!doubled) return false;
      ++i;
    }
  }
  return true;
}

bool YamlText::is_block(Position at) const {
  const auto text = scalar_at(at);
  return !text.empty() && (text[0] == '|' || text[0] == '>');
}

}  // namespace docktor
