#include "queues/nats/nats_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "queues/nats/nkey.h"

namespace docktor {
namespace {

constexpr const char* kSystemCas = "/etc/ssl/certs/ca-certificates.crt";

natsStatus sign_with_seed(char** error_text, unsigned char** signature, int* length, const char* nonce,
                          void* closure) {
  (void)error_text;
  return nats_Sign(static_cast<const std::string*>(closure)->c_str(), nonce, signature, length);
}

}  // namespace

UrlCredentials take_encoded_credentials(std::string& server) {
  UrlCredentials c;
  const auto begin = server.find("://") + 3;
  const auto at = server.rfind('@');
  if (at == std::string::npos || at < begin) return c;
  const auto info = std::string_view(server).substr(begin, at - begin);
  if (info.find('%') == std::string_view::npos) return c;  // nats.c takes these by itself
  const auto colon = info.find(':');
  (colon == std::string_view::npos ? c.token.value : c.user) = percent_decoded(info.substr(0, colon));
  if (colon != std::string_view::npos) c.password.value = percent_decoded(info.substr(colon + 1));
  server.erase(begin, at + 1 - begin);
  return c;
}

std::vector<std::string> split_urls(std::string_view text) {
  std::vector<std::string> urls;
  while (!text.empty() && urls.size() < kMaxServers) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && (part.back() == ' ' || part.back() == '/')) part.remove_suffix(1);
    if (!part.empty())
      urls.emplace_back(part.find("://") == std::string_view::npos ? fmt::format("nats://{}", part) : part);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return urls;
}

Error connect_error(natsStatus status, const std::string& text, const std::string& server) {
  const std::string shown = redacted_url(server);
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
      return {ErrorCode::kDenied,
              fmt::format("{} refused the credentials ({}): check user and password, token, creds_file or "
                          "nkey of the queue",
                          shown, text),
              true};
    case NATS_SSL_ERROR:
      return {
          ErrorCode::kDenied,
          fmt::format(
              "{}: no TLS connection ({}): check tls_ca_file, tls_cert_file and tls_key_file of the queue",
              shown, text),
          true};
    case NATS_SECURE_CONNECTION_WANTED:
      return {ErrorCode::kUnavailable,
              fmt::format("{} does not speak TLS: use nats:// in the queue's url and no tls_* files", shown),
              true};
    default:
      return {
          ErrorCode::kUnavailable,
          fmt::format("{} cannot be reached: {}; start nats-server there, or correct queue.url", shown, text),
          true};
  }
}

NatsLinkOptions NatsLinkOptions::from(const NatsSpec& spec) {
  NatsLinkOptions o;
  o.url = spec.url;
  o.user = spec.user;
  o.password = spec.password;
  o.token = spec.token;
  o.creds_file = spec.creds_file;
  o.nkey_seed = spec.nkey_seed;
  o.tls_ca_file = spec.tls_ca_file;
  o.tls_cert_file = spec.tls_cert_file;
  o.tls_key_file = spec.tls_key_file;
  if (!spec.domain.empty()) o.api = fmt::format("$JS.{}.API", spec.domain);
  if (!spec.api_prefix.empty()) o.api = spec.api_prefix;
  return o;
}

Result<NatsOptionsPtr> make_nats_options(const NatsLinkOptions& o, const std::string& url, bool secure) {
  std::string server = url;
  const UrlCredentials in_url = take_encoded_credentials(server);
  natsOptions* raw = nullptr;
  natsStatus s = natsOptions_Create(&raw);
  NatsOptionsPtr options(raw);
  const auto then = [&](natsStatus next) {
    if (s == NATS_OK) s = next;
  };
  const auto ms = [](Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); };
  if (s == NATS_OK) {
    then(natsOptions_SetURL(raw, server.c_str()));
    then(natsOptions_SetName(raw, "docktor"));
    then(natsOptions_SetTimeout(raw, std::max<std::int64_t>(1, ms(o.connect_timeout))));
    then(natsOptions_SetPingInterval(raw, 10'000));
    then(natsOptions_SetMaxPingsOut(raw, 2));
    then(natsOptions_SetSendAsap(raw, true));
    then(natsOptions_SetWriteDeadline(raw, 2'000));  // a server that stands still must not stop the loop
    then(natsOptions_UseGlobalMessageDelivery(raw, true));  // else each subscription has a thread
    // As nats.c has it, what the address carries comes first.
    if (!in_url.user.empty())
      then(natsOptions_SetUserInfo(raw, in_url.user.c_str(), in_url.password.value.c_str()));
    else if (!in_url.token.empty())
      then(natsOptions_SetToken(raw, in_url.token.value.c_str()));
    else if (!o.user.empty())
      then(natsOptions_SetUserInfo(raw, o.user.c_str(), o.password.value.c_str()));
    else if (!o.token.empty())
      then(natsOptions_SetToken(raw, o.token.value.c_str()));
  }
  if (s != NATS_OK) {
    return fail(ErrorCode::kInvalid, fmt::format("{}: {}", redacted_url(server), nats_GetLastError(nullptr)));
  }
  const auto file = [](const char* what, const std::string& path) {
    return fail(ErrorCode::kDenied,
                fmt::format("{} {} cannot be used: {}", what, path, nats_GetLastError(nullptr)), true);
  };
  if (!o.creds_file.empty()) {
    if (::access(o.creds_file.c_str(), R_OK) != 0) {
      return fail(ErrorCode::kDenied, fmt::format("creds_file {} cannot be read", o.creds_file), true);
    }
    if (natsOptions_SetUserCredentialsFromFiles(raw, o.creds_file.c_str(), nullptr) != NATS_OK) {
      return file("creds_file", o.creds_file);
    }
  } else if (!o.nkey_seed.empty()) {
    const auto key = nkey_public(o.nkey_seed.value);
    if (!key) return tl::unexpected(key.error());
    // nats.c signs while it connects, which is over when the attempt is: the seed outlives that.
    const auto* seed = &o.nkey_seed.value;
    if (natsOptions_SetNKey(raw, key->c_str(), &sign_with_seed, const_cast<std::string*>(seed)) != NATS_OK) {
      return fail(ErrorCode::kInvalid, "the nkey cannot be used");
    }
  }
  if (secure || !o.tls_ca_file.empty() || !o.tls_cert_file.empty() || server.starts_with("tls://")) {
    if (natsOptions_SetSecure(raw, true) != NATS_OK) return file("TLS", "");
    const std::string ca = !o.tls_ca_file.empty()            ? o.tls_ca_file
                           : ::access(kSystemCas, R_OK) == 0 ? kSystemCas
                                                             : "";
    if (!ca.empty() && natsOptions_LoadCATrustedCertificates(raw, ca.c_str()) != NATS_OK)
      return file("tls_ca_file", ca);
    if (!o.tls_cert_file.empty() &&
        natsOptions_LoadCertificatesChain(raw, o.tls_cert_file.c_str(), o.tls_key_file.c_str()) != NATS_OK) {
      return file("tls_cert_file", fmt::format("{} with tls_key_file {}", o.tls_cert_file, o.tls_key_file));
    }
  }
  return options;
}

}  // namespace docktor
