// How a server that is asked over HTTP is reached and signed in to: the keys that its kinds have in common, and their
// values.
#pragma once

#include <memory>
#include <string>

#include "config/kind.h"
#include "config/knobs.h"
#include "config/tls_keys.h"
#include "core/settings.h"
#include "os/http_url.h"
#include "queues/over_http/asker.h"

namespace docktor {

namespace http_keys {

inline constexpr double kMaxText = 4096;

inline constexpr Knob kUser{.key = "user",
                            .type = KnobType::kText,
                            .meaning = "User name (basic authentication), in place of one within url.",
                            .least = 0,
                            .most = kMaxText,
                            .variable = "DOCKTOR_QUEUE_USER"};
inline constexpr Knob kPassword{.key = "password",
                                .type = KnobType::kText,
                                .meaning = "Password of the user.",
                                .least = 0,
                                .most = kMaxText,
                                .variable = "DOCKTOR_QUEUE_PASSWORD",
                                .secret = true,
                                .file_key = "password_file"};
inline constexpr Knob kToken{.key = "token",
                             .type = KnobType::kText,
                             .meaning = "Bearer token.",
                             .least = 0,
                             .most = 16384,
                             .variable = "DOCKTOR_QUEUE_TOKEN",
                             .secret = true};
inline constexpr Knob kTokenFile{
    .key = "token_file",
    .type = KnobType::kPath,
    .meaning =
        "File with the bearer token, read anew for each request: a token that is renewed counts at once.",
    .least = 0,
    .most = kMaxText,
    .readable = true};
inline constexpr Knob kHeaders{
    .key = "headers",
    .type = KnobType::kPairs,
    .meaning = "Further headers of each request (X-Scope-OrgID). Their values are never shown.",
    .least = 0,
    .most = 50};

}  // namespace http_keys

/// Where, and who we are there.
struct HttpLogin {
  HttpUrl url;  ///< `path` is what is asked for, or stands before it
  std::string user;
  std::string password;
  std::string token;
  std::string token_file;  ///< absolute; read for each request
  Pairs headers;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  bool tls_verify = true;

  /// Of settings that have passed check_login().
  static HttpLogin from(const Settings& settings);

  std::string shown() const;  ///< scheme, host and port
  std::string who()
      const;  ///< "user bob", "the token of queue.token_file", "a request without user or token"
};

/// The asker of that server and identity, made where there is none.
std::shared_ptr<Asker> asker_of(Askers& askers, const HttpLogin& login, const Reach& reach);

/// What a table of keys cannot say of url, user, token, headers and TLS. False where url is missing or no address.
bool check_login(KindReader& from);

}  // namespace docktor
