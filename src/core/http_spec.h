// Where the page, the metrics and the API are served, as plain values: of the daemon, not of a service.
#pragma once

#include <string>
#include <vector>

#include "core/settings.h"

namespace docktor {

/// Who may ask over HTTP, by the token that he sends.
struct HttpToken {
  std::string name;   ///< for the record: "http:NAME"
  Secret token;       ///< 32 characters or more
  bool acts = false;  ///< may change something; else it only looks
  friend bool operator==(const HttpToken&, const HttpToken&) = default;
};

/// The HTTP server beyond its unix socket, which is always there.
struct HttpSpec {
  std::string listen;              ///< "127.0.0.1:3625", "[::1]:3625"; empty: no network at all
  std::vector<std::string> hosts;  ///< names by which it is reached, beside IP addresses and localhost
  std::string public_url;          ///< where people reach the page, without a slash at the end; may be empty
  std::vector<HttpToken> tokens;
  std::vector<std::string> token_files;  ///< of `tokens`, in their order
  friend bool operator==(const HttpSpec&, const HttpSpec&) = default;
};

}  // namespace docktor
