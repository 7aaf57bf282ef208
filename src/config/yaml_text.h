// The raw text beside yaml-cpp: what that parser lets pass silently can only be seen here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/place.h"

namespace docktor {

/// Refers to the text, which must outlive it.
class YamlText {
 public:
  explicit YamlText(std::string_view text);

  /// The first byte that no YAML text has: not UTF-8, or a control character. yaml-cpp takes 0x04 for the end
  /// of the file.
  std::optional<std::pair<Position, std::string>> bad_character() const;

  /// The text from that place on; empty beyond the end.
  std::string_view from(Position at) const;

  /// Whether a tab stands in the indentation of that line (0-based, as yaml-cpp counts).
  bool tab_indents(int line) const;

  /// Whether the scalar at `at` begins with a quote that is never closed. yaml-cpp takes the rest of the file
  /// for its text.
  bool quote_is_open(Position at) const;

  /// Whether the scalar at `at` is a block of text (| or >).
  bool is_block(Position at) const;

 private:
  std::string_view scalar_at(Position at) const;
  Position position_of(std::size_t offset) const;

  std::string_view text_;
  std::vector<std::size_t> line_starts_;
};

}  // namespace docktor
