// A YAML text as a tree of plain values, each with its position: aliases and merge keys (`<<`) expanded,
// duplicate keys, foreign tags, several documents and everything that is not well formed reported as
// mistakes. Nothing here knows docktor's keys, and nothing throws.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/mistakes.h"
#include "config/place.h"

namespace docktor {

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  Position at;
  bool block = false;  ///< a scalar written as a block of text (| or >)
  std::string text;    ///< of a scalar, as YAML gives it (quotes and escapes resolved), not interpolated
  std::vector<YamlNode> items;     ///< of a list
  std::vector<YamlEntry> entries;  ///< of a map, in the order of the file, no key twice

  const YamlEntry* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  Position key_at;
  YamlNode value;
};

/// What a file may hold: 10,000 services, as many as the table of knobs allows, each with 1.6 KiB and 200 values of
/// its own. A file beyond them is refused, never half read.
inline constexpr std::size_t kMaxYamlBytes = 16 << 20;
inline constexpr std::size_t kMaxYamlNodes = 2'000'000;  ///< aliases count each time they are used
inline constexpr std::size_t kMaxYamlDepth = 32;

/// The document's root; nothing when the text is not well formed, with the reason in `mistakes`. A tree may
/// come with mistakes too (duplicate keys). A text without content gives a kNull root at 1:1.
std::optional<YamlNode> parse_yaml(std::string_view text, Mistakes& mistakes);

}  // namespace docktor
