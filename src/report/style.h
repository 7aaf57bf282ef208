// How reports look: the palette, the styles and the page's little script.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace docktor::report {

/// Six colours that the common kinds of colour blindness keep apart; then the same ones dashed (and in the
/// p99-against-ρ chart as other shapes), four times over.
inline constexpr std::size_t kColours = 6;
inline std::size_t colour_of(std::size_t line) { return line % kColours; }
inline std::size_t dash_of(std::size_t line) { return line / kColours % 4; }

/// The classes of the curve of a line: which, colour, dashes, ours, and whether it belongs to the `rest`.
std::string line_class(std::size_t line, bool ours, bool shown);

/// A short piece of a line's curve, as an inline <svg>, for legends and tables.
std::string swatch(std::size_t line, bool ours);

/// Colours for light and dark, and all that charts need.
std::string_view chart_style();
std::string_view page_style();

/// Shows the values under the pointer. Reads the JSON of the element `values`.
std::string_view page_script();

}  // namespace docktor::report
