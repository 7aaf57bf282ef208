// How a server that is asked over HTTP is reached and signed in to: the keys that its kinds have in common, and their
// values.
#pragma once

#include <memory>
#include <string>

#include "config/kind.h"
#include "config/knobs.h"
#include "config/queue_keys.h"
#include "core/settings.h"
#include "queues/over_http/endpoint.h"

namespace docktor {

namespace http_keys {

inline constexpr Knob kUser =
    queue_keys::user("User name (basic authentication), in place of one within url.");
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
    .most = queue_keys::kMaxText,
    .readable = true};
inline constexpr Knob kHeaders{
    .key = "headers",
    .type = KnobType::kPairs,
    .meaning = "Further headers of each request (X-Scope-OrgID). Their values are never shown.",
    .least = 0,
    .most = 50};

}  // namespace http_keys

/// Where, and who we are there. The address's path is what is asked for, or stands before it.
struct HttpLogin : HttpEndpoint {
  std::string user;
  std::string password;
  std::string token;
  std::string token_file;  ///< absolute; read for each request
  Pairs headers;

  /// Of settings that have passed check_login().
  static HttpLogin from(const Settings& settings);

  std::string shown() const { return url.base; }  ///< scheme, host and port
  /// "user bob", "the token of queue.token_file", "a request without user or token; write ..."
  std::string who() const;
};

/// The asker of that server and identity, made where there is none.
std::shared_ptr<Asker> asker_of(Askers& askers, const HttpLogin& login, const Reach& reach);

/// What a table of keys cannot say of url, user, token, headers and TLS. False where url is missing or no address.
bool check_login(KindReader& from);

}  // namespace docktor
