// The picture of `docktor top`: lines of text for a size of terminal. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "top/model.h"

namespace docktor::top {

struct Look {
  std::size_t columns = 80, rows = 24;
  bool colour = true;
  bool utf8 = true;
};

/// Smaller than this it says so, and nothing else.
inline constexpr std::size_t kLeastColumns = 60, kLeastRows = 15;

/// Exactly `rows` lines of at most `columns` columns each; colours are SGR escapes, and each line ends without one.
std::vector<std::string> picture(const Model& model, const Look& look);

/// For a pipe: a header and a line a service.
std::string table(const Model& model);

/// `width` characters of braille a row: what lies below the curve is filled. `values` over [from, to) in time, the
/// greatest of each dot's column; what is not known stays empty. Without UTF-8: #.
std::vector<std::string> area(const std::vector<std::pair<double, double>>& values, double from, double to,
                              double most, std::size_t width, std::size_t height, bool utf8);

}  // namespace docktor::top
