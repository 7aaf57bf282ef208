#include "web/guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "api/control_socket.h"

namespace docktor::web {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Without its port: "[::1]:80" is "::1".
std::string name_in(const std::string& host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end == std::string::npos ? std::string() : host.substr(1, end - 1);
  }
  return lower(host.substr(0, host.rfind(':')));
}

bool is_ip(const std::string& name) {
  in6_addr room{};
  return ::inet_pton(AF_INET, name.c_str(), &room) == 1 || ::inet_pton(AF_INET6, name.c_str(), &room) == 1;
}

// Takes as long for a wrong token as for the right one.
bool same(const std::string& a, const std::string& b) {
  unsigned differ = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    differ |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[b.empty() ? 0 : i % b.size()]);
  return differ == 0;
}

const HttpToken* token_of(const std::string& sent, const HttpSpec& spec) {
  const HttpToken* found = nullptr;
  for (const auto& t : spec.tokens) {
    if (same(sent, t.token.value)) found = &t;
  }
  return found;
}

}  // namespace

bool host_is_ours(const http::Request& request, const HttpSpec& spec) {
  if (request.peer) return true;
  const auto name = name_in(request.header("host"));
  if (name == "localhost" || is_ip(name)) return true;
  return std::ranges::any_of(spec.hosts, [&](const auto& h) { return lower(h) == name; });
}

Access access_of(const http::Request& request, const HttpSpec& spec, Need need) {
  Access a;
  if (!host_is_ours(request, spec)) {
    a.status = 421;
    a.why = fmt::format(
        "this docktor is not known as '{}'; ask for its IP address, or add the name to http.hosts",
        request.header("host").substr(0, 100));
    return a;
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!reads) {
    const auto site = request.header("sec-fetch-site");
    if (!site.empty() && site != "same-origin") {
      a.status = 403;
      a.why = "a browser sent this from another site's page; such requests are refused";
      return a;
    }
    if (request.method == "POST" && !request.header("content-type").starts_with("application/json")) {
      a.status = 415;
      a.why = "send Content-Type: application/json";
      return a;
    }
  }
  if (need == Need::kNothing) return a;
  if (request.peer) {
    a.by = name_of({request.peer->pid, request.peer->uid, request.peer->gid});
    a.may_act = true;
    return a;
  }
  constexpr std::string_view kBearer = "Bearer ";
  const auto sent = request.header("authorization");
  const HttpToken* token = sent.starts_with(kBearer) ? token_of(sent.substr(kBearer.size()), spec) : nullptr;
  if (token) {
    a.by = "http:" + token->name;
    a.may_act = token->acts;
  } else if (!sent.empty()) {
    a.status = 401;
    a.why = "the token is not one of this docktor's (http.tokens in its configuration)";
  } else if (!request.loopback || need == Need::kAct) {
    a.status = 401;
    a.why = "this takes a token: send Authorization: Bearer TOKEN, with one of http.tokens";
  }
  if (a.status == 0 && need == Need::kAct && !a.may_act) {
    a.status = 403;
    a.why = "this token only looks; to act it takes one with acts: true";
  }
  return a;
}

}  // namespace docktor::web
