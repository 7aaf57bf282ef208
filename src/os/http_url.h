// The address of an HTTP server, taken apart.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

struct HttpUrl {
  bool tls = false;
  std::string base;  ///< "https://host:8443", without credentials and without a slash at the end
  std::string path;  ///< with its query, as written: "/stats?x=1"; "/" where there is none
  std::string user;  ///< decoded; may be empty
  std::string password;
};

/// Of http:// and https:// only. The error is what is wrong, to stand behind the address; it repeats nothing of it.
Result<HttpUrl> parse_http_url(std::string_view url);

/// The value of a header Authorization: "Basic dXNlcjpw".
std::string basic_authorization(std::string_view user, std::string_view password);

}  // namespace docktor
