// The keys for TLS that kinds of queues have in common: rows for their tables, and the check of what a table cannot say.
#pragma once

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "config/kind.h"
#include "config/knobs.h"

namespace docktor::tls_keys {

constexpr Knob file_row(std::string_view key, std::string_view meaning) {
  return {
      .key = key, .type = KnobType::kPath, .meaning = meaning, .least = 0, .most = 4096, .readable = true};
}
constexpr Knob verify_row(std::string_view key, std::string_view meaning) {
  return {.key = key, .type = KnobType::kBool, .meaning = meaning, .standard = "true"};
}

// In `tls:`.
inline constexpr Knob kCaFile =
    file_row("ca_file", "File with the certificates (PEM) that the server's is held against.");
inline constexpr Knob kCertFile =
    file_row("cert_file", "File with docktor's own certificate (PEM), with key_file.");
inline constexpr Knob kKeyFile = file_row("key_file", "File with the key (PEM) of that certificate.");
inline constexpr Knob kVerify =
    verify_row("verify", "false: the server's certificate and name are not checked.");

// The same in the queue itself.
inline constexpr Knob kFlatCaFile = file_row("tls_ca_file", "The same as tls.ca_file.");
inline constexpr Knob kFlatCertFile = file_row("tls_cert_file", "The same as tls.cert_file.");
inline constexpr Knob kFlatKeyFile = file_row("tls_key_file", "The same as tls.key_file.");
inline constexpr Knob kFlatVerify = verify_row("tls_verify", "The same as tls.verify.");

inline constexpr std::array kWithVerify = {kCaFile, kCertFile, kKeyFile, kVerify};
/// `tls:` with those four keys. Its row says when it counts.
constexpr Knob section(std::string_view meaning) {
  return {.key = "tls",
          .type = KnobType::kSection,
          .meaning = meaning,
          .within = kWithVerify.data(),
          .within_count = kWithVerify.size()};
}

/// A certificate and its key come together. A file that is named and cannot be read was complained about: it counts as
/// written.
inline void check_pair(KindReader& from) {
  const auto* inner = from.section.entry("tls");
  const auto written = [&](std::string_view flat, std::string_view key) {
    return from.section.entry(flat) || (inner && inner->value.find(key));
  };
  if (from.given("tls_cert_file") && !written("tls_key_file", "key_file"))
    from.mistake("tls_cert_file", "a certificate without its key; write key_file too");
  if (from.given("tls_key_file") && !written("tls_cert_file", "cert_file"))
    from.mistake("tls_key_file", "a key without its certificate; write cert_file too");
}

/// One of the four keys is written.
inline bool given(const KindReader& from) {
  return from.given("tls_ca_file") || from.given("tls_cert_file") || from.given("tls_key_file") ||
         from.given("tls_verify");
}

/// Keys for TLS where nothing is encrypted are a mistake. `scheme`: of an address that is, "amqps".
inline void check(KindReader& from, bool encrypted, std::string_view scheme) {
  check_pair(from);
  for (const std::string_view key : {"tls_ca_file", "tls_cert_file", "tls_key_file", "tls_verify"}) {
    if (from.given(key) && !encrypted)
      from.mistake(key,
                   fmt::format("the address is not encrypted; write {}:// in url, or leave tls out", scheme));
  }
}

}  // namespace docktor::tls_keys
