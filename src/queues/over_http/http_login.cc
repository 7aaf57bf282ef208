#include "queues/over_http/http_login.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <string_view>

#include "core/text.h"

namespace docktor {

namespace {

constexpr std::size_t kMostToken = 64 << 10;  // bytes of a file with a token
constexpr long kConnections = 4;              // at once to one server; one does where it answers promptly

bool has_line_end(std::string_view text) { return text.find_first_of("\r\n") != std::string_view::npos; }

Result<std::string> token_in(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kMostToken + 1, '\0');
  if (!in || !in.read(text.data(), static_cast<std::streamsize>(text.size())).eof())
    return fail(ErrorCode::kDenied,
                fmt::format("the token's file {} {}", path, in ? "is larger than 64 KiB" : "cannot be read"),
                true);
  text.resize(static_cast<std::size_t>(in.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  if (text.empty() || has_line_end(text) || text.find('\0') != std::string::npos)
    return fail(ErrorCode::kDenied, fmt::format("the token's file {} does not hold one line of text", path),
                true);
  return text;
}

void check_headers(KindReader& from) {
  for (const auto& [name, value] : from.settings.get<Pairs>("headers")) {
    const bool token = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_';
    });
    if (!token || has_line_end(value) || value.find('\0') != std::string::npos)
      from.mistake("headers",
                   fmt::format("header {} cannot be sent; a name has letters, digits and -, a value one line",
                               in_quotes(name)));
  }
}

}  // namespace

HttpLogin HttpLogin::from(const Settings& s) {
  HttpLogin l;
  l.url = parse_http_url(s.get<Url>("url").value).value_or(HttpUrl{});
  l.user = l.url.user;
  l.password = l.url.password;
  if (const auto user = s.text("user"); !user.empty()) {
    l.user = user;
    l.password = s.get<Secret>("password").value;
  }
  l.token = s.get<Secret>("token").value;
  l.token_file = s.text("token_file");
  l.headers = s.get<Pairs>("headers");
  l.tls_ca_file = s.text("tls_ca_file");
  l.tls_cert_file = s.text("tls_cert_file");
  l.tls_key_file = s.text("tls_key_file");
  l.tls_verify = s.get<bool>("tls_verify", true);
  return l;
}

std::string HttpLogin::shown() const { return url.base; }

std::string HttpLogin::who() const {
  if (!token_file.empty()) return "the token of queue.token_file";
  if (!token.empty()) return "the token of queue.token";
  if (!user.empty()) return fmt::format("user {}", user);
  return "a request without user or token; write queue.user or queue.token_file";
}

std::shared_ptr<Asker> asker_of(Askers& askers, const HttpLogin& login, const Reach& reach) {
  std::string key = login.tls_verify ? "verify" : "any";
  const auto add = [&key](const std::string& part) { key += '\0' + part; };
  for (const auto* part : {&reach.scope, &login.url.base, &login.user, &login.password, &login.token,
                           &login.token_file, &login.tls_ca_file, &login.tls_cert_file, &login.tls_key_file})
    add(*part);
  for (const auto& [name, value] : login.headers) add(name + '\0' + value);
  return askers.get(key, [&] {
    Asker::Options o;
    o.server = {.base_url = login.url.base,
                .ca_file = login.tls_ca_file,
                .cert_file = login.tls_cert_file,
                .key_file = login.tls_key_file,
                .verify = login.tls_verify,
                .most_connections = kConnections};
    o.shown = login.shown();
    if (reach.resolve)
      o.resolve = [resolve = reach.resolve, port = login.url.tls ? 443 : 80](const std::string& url) {
        return resolve(url, port);
      };
    o.sign = [login](HttpRequest& request, Asker::SteadyTime) -> Result<void> {
      for (const auto& [name, value] : login.headers) request.headers.push_back(name + ": " + value);
      if (!login.token_file.empty()) {
        const auto token = token_in(login.token_file);
        if (!token) return tl::unexpected(token.error());
        request.headers.push_back("Authorization: Bearer " + *token);
      } else if (!login.token.empty()) {
        request.headers.push_back("Authorization: Bearer " + login.token);
      } else if (!login.user.empty()) {
        request.headers.push_back("Authorization: " + basic_authorization(login.user, login.password));
      }
      return {};
    };
    return o;
  });
}

bool check_login(KindReader& from) {
  const auto text = from.settings.get<Url>("url").value;
  if (text.empty()) return false;  // said to be missing
  const auto url = parse_http_url(text);
  if (!url) {
    const bool plain =
        text.find('@') == std::string::npos && from.quoted("url").find('@') == std::string::npos;
    from.mistake("url", fmt::format("url {}{}", plain ? from.quoted("url") + " " : "", url.error().message));
    return false;
  }
  if (from.given("user") && !url->user.empty())
    from.mistake("user", "two users, the one within url and user; write one of them");
  if (from.given("password") && !from.given("user"))
    from.mistake("password", "a password without a user; write user: too");
  if (from.given("token") && from.given("token_file"))
    from.mistake("token_file", "both token and token_file are written; write one of them");
  for (const std::string_view key : {"token", "token_file"}) {
    if (from.given(key) && (from.given("user") || !url->user.empty()))
      from.mistake(key, "both a user and a token are written; write one of them");
  }
  if (has_line_end(from.settings.get<Secret>("token").value))
    from.mistake("token", "token has more than one line");
  check_headers(from);
  tls_keys::check_pair(from);
  for (const std::string_view key : {"tls_ca_file", "tls_cert_file", "tls_key_file", "tls_verify"}) {
    if (from.given(key) && !url->tls)
      from.mistake(key,
                   "the address is http://, which is not encrypted; write https:// in url, or leave tls out");
  }
  return true;
}

}  // namespace docktor
