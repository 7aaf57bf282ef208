#include "queues/over_http/http_login.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "core/text.h"
#include "os/atomic_file.h"

namespace docktor {

namespace {

constexpr std::size_t kMostToken = 64 << 10;  // bytes of a file with a token

bool has_line_end(std::string_view text) { return text.find_first_of("\r\n") != std::string_view::npos; }

Result<std::string> token_in(const std::string& path) {
  auto text = read_file(path, kMostToken);
  if (!text)
    return fail(ErrorCode::kDenied, "the token's file cannot be used: " + text.error().message, true);
  text->erase(text->find_last_not_of("\r\n ") + 1);
  if (text->empty() || has_line_end(*text) || text->find('\0') != std::string::npos)
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
  static_cast<HttpEndpoint&>(l) = HttpEndpoint::from(s);
  l.user = l.url.user;
  l.password = l.url.password;
  if (const auto user = s.text("user"); !user.empty()) {
    l.user = user;
    l.password = s.get<Secret>("password").value;
  }
  l.token = s.get<Secret>("token").value;
  l.token_file = s.text("token_file");
  l.headers = s.get<Pairs>("headers");
  return l;
}

std::string HttpLogin::who() const {
  if (!token_file.empty()) return "the token of queue.token_file";
  if (!token.empty()) return "the token of queue.token";
  if (!user.empty()) return fmt::format("user {}", user);
  return "a request without user or token; write queue.user or queue.token_file";
}

std::shared_ptr<Asker> asker_of(Askers& askers, const HttpLogin& login, const Reach& reach) {
  auto key = login.key(reach);
  for (const auto* part : {&login.user, &login.password, &login.token, &login.token_file})
    add_to_key(key, *part);
  for (const auto& [name, value] : login.headers) {
    add_to_key(key, name);
    add_to_key(key, value);
  }
  return askers.get(key, [&] {
    auto o = login.options(reach);
    o.sign = [login](HttpRequest& request, Asker::SteadyTime) -> Result<std::string> {
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
      return login.who();
    };
    return o;
  });
}

bool check_login(KindReader& from) {
  const auto url = check_endpoint(from);
  if (!url) return false;
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
  return true;
}

}  // namespace docktor
