// What the subject of a consumer's acknowledgement tells about its message.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace docktor {

struct Delivery {
  std::uint64_t deliveries = 0;
  std::uint64_t stream_sequence = 0;
  std::uint64_t consumer_sequence = 0;
  std::uint64_t stored_at_ns = 0;
  std::uint64_t pending = 0;  ///< messages behind this one
};

/// "$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>", or with domain and
/// account after "$JS.ACK" and perhaps more at the end. Nothing for any other subject.
inline std::optional<Delivery> parse_ack_subject(std::string_view subject) {
  if (!subject.starts_with("$JS.ACK.")) return std::nullopt;
  std::array<std::string_view, 13> tokens;
  std::size_t n = 0;
  while (n < tokens.size()) {
    const auto dot = subject.find('.');
    tokens[n++] = subject.substr(0, dot);
    if (dot == std::string_view::npos) break;
    subject.remove_prefix(dot + 1);
  }
  if (n < 9 || n == 10) return std::nullopt;
  std::size_t i = n == 9 ? 4 : 6;
  Delivery d;
  for (auto* out : {&d.deliveries, &d.stream_sequence, &d.consumer_sequence, &d.stored_at_ns, &d.pending}) {
    const auto t = tokens[i++];
    const auto end = t.data() + t.size();
    if (t.empty() || std::from_chars(t.data(), end, *out).ptr != end) return std::nullopt;
  }
  return d;
}

}  // namespace docktor
