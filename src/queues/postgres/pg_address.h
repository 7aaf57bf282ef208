// The address of a database, postgres://... or host=... dbname=..., as libpq reads it.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace docktor {

/// What the address says, by libpq's words: "host", "port", "dbname", "password", ... Nothing where it is none; what libpq
/// says of that is not passed on, as it may repeat a password.
std::optional<std::map<std::string, std::string>> pg_words(const std::string& url);

}  // namespace docktor
