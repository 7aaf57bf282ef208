// Addresses of Redis servers as people write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/settings.h"

namespace docktor {

/// redis://USER:PASSWORD@HOST:PORT/DB and what may be left out of it, or unix:///PATH (with ?db=N).
struct RedisAddress {
  std::string host;
  int port = 6379;
  std::string path;  ///< of a socket of this host, in place of host and port
  bool tls = false;
  std::string user;
  Secret password;
  int db = 0;

  std::string place() const;  ///< "redis:6379", "[::1]:6379", a path: no credentials in it
};

/// One address, or several separated by commas (sentinels). Fails (kInvalid) with what is
/// wrong and what to write; the text is not repeated, for it may hold a password.
Result<std::vector<RedisAddress>> parse_redis_url(std::string_view text);

}  // namespace docktor
