// Addresses of NATS servers as people write them.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

/// "NATS://a:4222/, b" → "nats://a:4222,b": blanks around commas, a slash at the end and an empty part (a
/// comma at the end) are taken away. Fails (kInvalid) with what is wrong in which address and what to write.
/// With `show` false no address is repeated, since it may hold a password, or what a variable held.
Result<std::string> nats_servers(std::string_view text, bool show);

}  // namespace docktor
