#include "queues/over_http/endpoint.h"

#include <fmt/format.h>

#include "config/tls_keys.h"

namespace docktor {

namespace {

constexpr long kConnections = 4;  // at once to one server; one does where it answers promptly

// A password may stand before an @, a key behind a ?.
bool may_hold_a_secret(const std::string& address) {
  return address.find_first_of("@?") != std::string::npos;
}

}  // namespace

HttpEndpoint HttpEndpoint::from(const Settings& s) {
  HttpEndpoint e;
  e.url = parse_http_url(s.get<Url>("url").value).value_or(HttpUrl{});
  e.tls_ca_file = s.text("tls_ca_file");
  e.tls_cert_file = s.text("tls_cert_file");
  e.tls_key_file = s.text("tls_key_file");
  e.tls_verify = s.get<bool>("tls_verify", true);
  return e;
}

void add_to_key(std::string& key, const std::string& part) { key += part + '\0'; }

std::string HttpEndpoint::key(const Reach& reach) const {
  std::string out;
  for (const auto* part : {&reach.scope, &url.base, &tls_ca_file, &tls_cert_file, &tls_key_file})
    add_to_key(out, *part);
  add_to_key(out, tls_verify ? "verify" : "any");
  return out;
}

Asker::Options HttpEndpoint::options(const Reach& reach) const {
  Asker::Options o;
  o.server = {.base_url = url.base,
              .ca_file = tls_ca_file,
              .cert_file = tls_cert_file,
              .key_file = tls_key_file,
              .verify = tls_verify,
              .most_connections = kConnections};
  o.shown = url.base;
  if (reach.resolve)
    o.resolve = [resolve = reach.resolve, port = url.tls ? 443 : 80](const std::string& address) {
      return resolve(address, port);
    };
  return o;
}

std::optional<HttpUrl> check_endpoint(KindReader& from) {
  const auto text = from.settings.get<Url>("url").value;
  if (text.empty()) return std::nullopt;  // said to be missing
  const auto url = parse_http_url(text);
  if (!url) {
    const bool shown = !may_hold_a_secret(text) && !may_hold_a_secret(from.quoted("url"));
    from.mistake("url", fmt::format("url {}{}", shown ? from.quoted("url") + " " : "", url.error().message));
    return std::nullopt;
  }
  tls_keys::check(from, url->tls, "https");
  return *url;
}

}  // namespace docktor
