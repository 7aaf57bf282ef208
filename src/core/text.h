// Small texts for people: durations, numbers, "did you mean".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/time.h"

namespace docktor {

/// "500ms", "10s", "2m", "1m30s", "3h": the form that the configuration takes back.
std::string short_duration(Duration d);

/// "355 ms", "1.9 s", "2 min 5 s", "3 h 20 min": the form for people, with the unit apart.
std::string spoken_duration(Duration d);

/// "03:25:32", in local time.
std::string clock_text(Time t);

/// Three digits, without trailing zeros and exponents: "0", "0.5", "19.1", "100", "1234".
std::string short_number(double v);
/// As many digits more as it takes to see on which side of `threshold` the value lies: "200.04" beside 200.
std::string number_beside(double v, double threshold, int least_decimals = 0);

/// "10" (seconds), "500ms", "10s", "2m", "1m30s", parts in falling order of unit; nothing for any other text.
std::optional<double> parse_seconds(std::string_view text);

/// "10", "0", "-3": decimal digits. Not "010" or "0x10", which are eight and sixteen to some readers.
bool is_whole_number(std::string_view text);
/// Its value; nothing where the text is no whole number from 0 to `most`.
std::optional<int> whole_number(std::string_view text, int most);
/// The same with a fraction and an exponent: "0.5", "1e3". Not "nan", "inf", "0x1p3" or "01.5".
bool is_decimal_number(std::string_view text);

/// The candidate nearest to `text` by edit distance, if it is near enough to be a slip of the hand.
std::optional<std::string> did_you_mean(std::string_view text, std::span<const std::string_view> candidates);

/// The text for HTML and XML, within elements and quoted attributes: & < > " ' as entities.
std::string markup_escaped(std::string_view text);

/// "p%40ss" → "p@ss"; a '%' that begins no escape stays what it is.
std::string percent_decoded(std::string_view text);

/// nats://user:password@host → nats://***@host, http://host/?token=abc → http://host/?token=***, "host=h password=p" →
/// "host=h password=***". Text without credentials comes back as it is.
std::string redacted_url(std::string_view url);

}  // namespace docktor
