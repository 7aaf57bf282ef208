// The public half of an nkey, which the server wants beside the signature. The seed itself never leaves this
// process.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

/// "SUA..." → "UA..." (base32 of kind, 32 bytes of Ed25519 key, CRC-16). kInvalid for what is no seed; the
/// message does not show the seed.
Result<std::string> nkey_public(std::string_view seed);

}  // namespace docktor
