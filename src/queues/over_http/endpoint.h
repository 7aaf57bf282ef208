// Where a server is that is asked over HTTP, and how TLS is spoken with it: the keys that all its kinds have, and their
// values.
#pragma once

#include <optional>
#include <string>

#include "config/kind.h"
#include "core/settings.h"
#include "os/http_url.h"
#include "queues/over_http/asker.h"

namespace docktor {

struct HttpEndpoint {
  HttpUrl url;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  bool tls_verify = true;

  /// Of settings that have passed check_endpoint().
  static HttpEndpoint from(const Settings& settings);

  /// Tells one server from another, for Askers.
  std::string key(const Reach& reach) const;

  /// An asker's of this server, without who we are.
  Asker::Options options(const Reach& reach) const;
};

/// What a table of keys cannot say of url and TLS. Nothing where url is missing or no address.
std::optional<HttpUrl> check_endpoint(KindReader& from);

/// Appends to a key for Askers what two of them may differ in.
void add_to_key(std::string& key, const std::string& part);

}  // namespace docktor
