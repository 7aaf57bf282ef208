// The keys for TLS that kinds of queues have in common: rows for their tables, and the check of what a table cannot say.
#pragma once

#include "config/kind.h"
#include "config/knobs.h"

namespace docktor::tls_keys {

inline constexpr double kMaxPath = 4096;

// In `tls:`.
inline constexpr Knob kCaFile{
    .key = "ca_file",
    .type = KnobType::kPath,
    .meaning = "File with the certificates (PEM) that the server's is held against.",
    .least = 0,
    .most = kMaxPath,
    .readable = true};
inline constexpr Knob kCertFile{.key = "cert_file",
                                .type = KnobType::kPath,
                                .meaning = "File with docktor's own certificate (PEM), with key_file.",
                                .least = 0,
                                .most = kMaxPath,
                                .readable = true};
inline constexpr Knob kKeyFile{.key = "key_file",
                               .type = KnobType::kPath,
                               .meaning = "File with the key (PEM) of that certificate.",
                               .least = 0,
                               .most = kMaxPath,
                               .readable = true};

// The same in the queue itself.
inline constexpr Knob kFlatCaFile{.key = "tls_ca_file",
                                  .type = KnobType::kPath,
                                  .meaning = "The same as tls.ca_file.",
                                  .least = 0,
                                  .most = kMaxPath,
                                  .readable = true};
inline constexpr Knob kFlatCertFile{.key = "tls_cert_file",
                                    .type = KnobType::kPath,
                                    .meaning = "The same as tls.cert_file.",
                                    .least = 0,
                                    .most = kMaxPath,
                                    .readable = true};
inline constexpr Knob kFlatKeyFile{.key = "tls_key_file",
                                   .type = KnobType::kPath,
                                   .meaning = "The same as tls.key_file.",
                                   .least = 0,
                                   .most = kMaxPath,
                                   .readable = true};

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

}  // namespace docktor::tls_keys
