// Small files that a configuration refers to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

inline constexpr std::size_t kMaxSecretBytes = 64 << 10;

/// The content of a regular file (a pipe or a device is refused, it could block for ever). kNotFound,
/// kDenied, kExhausted when it is larger than `limit`, else kInvalid; the message begins with what is wrong,
/// and does not repeat the path.
Result<std::string> read_small_file(const std::string& path, std::size_t limit);

/// Whether a regular file is there and can be read; the message as above.
Result<void> check_readable_file(const std::string& path);

/// `path` as it stands when absolute, else under `folder`; without `.` and `..` parts where that changes
/// nothing.
std::string path_under(std::string_view folder, std::string_view path);

}  // namespace docktor
