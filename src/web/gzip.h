// gzip, for answers that are large.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace docktor::web {

bool accepts_gzip(std::string_view accept_encoding);

/// Nothing when there is no memory for it.
std::optional<std::string> gzip(const std::string& text);

}  // namespace docktor::web
