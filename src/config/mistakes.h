// Collects the mistakes of one configuration and shows them all at once, each as `file:line:column: what is
// wrong; what is allowed`.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "config/place.h"

namespace docktor {

/// Not thread-safe. Same mistakes at the same place (an alias that is used often) count once.
class Mistakes {
 public:
  /// More than this are counted, not listed.
  static constexpr std::size_t kMaxListed = 200;

  void add(const Place& place, std::string message);
  void add(Position position, std::string message) { add(Place::in_file(position), std::move(message)); }

  bool empty() const { return found_.empty(); }

  /// In order of position, those of variables and flags first. `file` is the path as the user typed it,
  /// `text` the file's content, from which columns are counted in characters.
  std::vector<std::string> list(std::string_view file, std::string_view text) const;

 private:
  std::set<std::tuple<Position, std::string, std::string>> found_;  // position, name, message
};

/// Outside text as it may stand in a message: in quotes, control characters escaped, cut at 60 characters.
std::string in_quotes(std::string_view text);

}  // namespace docktor
