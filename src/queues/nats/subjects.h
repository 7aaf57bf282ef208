// NATS subject patterns as sets of subjects: inclusion, intersection. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace docktor {

/// Whether `text` can be a subject or a pattern: tokens that are not empty, no white space or control character,
/// `*` and `>` only alone, `>` last. The server takes a* as a plain word; who writes it in a file means something else.
bool is_subject(std::string_view text);

/// Whether `text` can name a stream or a consumer inside an API subject: not empty, no dot, wildcard, slash,
/// white space or control character.
bool is_api_token(std::string_view text);

/// Whether every subject of `inner` is one of `outer`: covers("a.>", "a.b.*"). A subject without wildcards is
/// its own pattern.
bool covers(std::string_view outer, std::string_view inner);

/// The subjects that both patterns have, which is again one pattern; nothing where there are none.
/// intersection("orders.*.new", "orders.eu.>") = "orders.eu.new".
std::optional<std::string> intersection(std::string_view a, std::string_view b);

/// Whether `filters` (none means everything) lets every subject of `subjects` pass, each by a single filter.
/// A stream without subjects of its own (a mirror) is covered only by ">".
bool covers_all(std::span<const std::string> filters, std::span<const std::string> subjects);

}  // namespace docktor
