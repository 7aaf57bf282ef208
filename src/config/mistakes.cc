#include "config/mistakes.h"

#include <fmt/format.h>

namespace docktor {

void Mistakes::add(const Place& place, std::string message) {
  found_.emplace(place.position, place.name, std::move(message));
}

namespace {

// Bytes that continue a character do not count.
int column_in_characters(std::string_view line, int byte_column) {
  int column = 1;
  for (std::size_t i = 0; i < line.size() && i + 1 < static_cast<std::size_t>(byte_column); ++i) {
    const bool begins_next = i + 1 == line.size() || (static_cast<unsigned char>(line[i + 1]) & 0xC0) != 0x80;
    column += begins_next;
  }
  return column;
}

std::vector<std::size_t> line_starts(std::string_view text) {
  std::vector<std::size_t> starts{0};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  return starts;
}

}  // namespace

std::vector<std::string> Mistakes::list(std::string_view file, std::string_view text) const {
  const auto starts = line_starts(text);
  std::vector<std::string> out;
  for (const auto& [position, name, message] : found_) {
    if (out.size() == kMaxListed) {
      out.push_back(fmt::format("{}: {} further mistakes are not listed", file, found_.size() - kMaxListed));
      break;
    }
    if (!name.empty()) {
      out.push_back(fmt::format("{}: {}", name, message));
    } else if (position.line == 0) {
      out.push_back(fmt::format("{}: {}", file, message));
    } else {
      int column = position.column;
      const auto line = static_cast<std::size_t>(position.line) - 1;
      if (line < starts.size()) {
        const auto end = line + 1 < starts.size() ? starts[line + 1] : text.size();
        column = column_in_characters(text.substr(starts[line], end - starts[line]), column);
      }
      out.push_back(fmt::format("{}:{}:{}: {}", file, position.line, column, message));
    }
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMaxShown = 60;
  std::string out = "\"";
  std::size_t shown = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool continues = (c & 0xC0) == 0x80;
    if (!continues && ++shown > kMaxShown) return out + "…\"";
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c < 0x20 || c == 0x7F)
      out += fmt::format("\\x{:02x}", c);
    else
      out += static_cast<char>(c);
  }
  return out + "\"";
}

}  // namespace docktor
