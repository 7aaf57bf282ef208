// Where a value comes from, for mistakes: a position in the file, or the name of a variable or flag.
#pragma once

#include <compare>
#include <string>

namespace docktor {

/// 1-based line and column as the YAML parser counts them, in bytes; Mistakes turns the column into
/// characters. 0 where there is none.
struct Position {
  int line = 0;
  int column = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct Place {
  Position position;
  std::string name;  ///< "DOCKTOR_MAX_REPLICAS" or "--interval"; empty: the position counts

  static Place in_file(Position p) { return {p, {}}; }
  static Place named(std::string name) { return {{}, std::move(name)}; }
};

}  // namespace docktor
