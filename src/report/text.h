// Numbers and outside text as reports show them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace docktor::report {

/// Valid UTF-8 without control characters: each byte that is neither becomes U+FFFD.
std::string clean(std::string_view text);

/// clean(), and safe as text or attribute of HTML, SVG and XML.
std::string escaped(std::string_view text);

/// Columns of a terminal, roughly (East Asian characters count two).
std::size_t columns_of(std::string_view text);

/// clean(), and at most `columns` wide: what is longer ends in "…".
std::string cut(std::string_view text, std::size_t columns);

/// Three significant digits in at most seven characters: "0.042", "1.10", "318", "4,210", "31.4k". A dash for
/// what is not finite.
std::string number(double value);

/// As number(), without zeros at the end: "1.1", "3".
std::string trimmed(double value);

/// Two decimals below 10, for ratios: "1.12", "14.3".
std::string ratio(double value);

/// A wait or a length for running text: "85 ms", "4.2 s", "2 min", "1.5 h", "3 d".
std::string span(double seconds);

/// Percent of a share, rounded so that a small share is not called 0: "0.02", "1.3".
std::string percent(double share);

/// Percent of what is left of `over`, never rounded up: "99.98"; "100" only for no message over.
std::string percent_within(double over);

}  // namespace docktor::report
