#include "queues/redis/redis_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/text.h"

namespace docktor {

namespace {

constexpr std::size_t kMaxAddresses = 32;
constexpr int kMaxDb = 65'535;
constexpr const char* kRight = "write redis://HOST:PORT/DB, or rediss:// for TLS";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

tl::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::kInvalid, fmt::format("is not the address of a Redis server: {}; {}", what, kRight));
}

// "user:password@", ":password@" and "password@", the last as Redis's own tools have it.
void take_credentials(std::string_view& rest, RedisAddress& into) {
  const auto at = rest.rfind('@');
  if (at == std::string_view::npos) return;
  const auto info = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  const auto colon = info.find(':');
  if (colon == std::string_view::npos) {
    into.password.value = percent_decoded(info);
  } else {
    into.user = percent_decoded(info.substr(0, colon));
    into.password.value = percent_decoded(info.substr(colon + 1));
  }
}

// "/3", "?db=3"; other parameters belong to clients of their own.
Result<int> database(std::string_view tail, int otherwise) {
  const auto question = tail.find('?');
  const auto path = tail.substr(0, question);
  std::optional<int> db = otherwise;
  if (path.size() > 1) db = whole_number(path.substr(1), kMaxDb);
  if (question != std::string_view::npos) {
    auto query = tail.substr(question + 1);
    while (!query.empty()) {
      const auto end = query.find('&');
      const auto part = query.substr(0, end);
      for (const std::string_view key : {"db=", "virtual_host="}) {
        if (part.starts_with(key)) db = whole_number(part.substr(key.size()), kMaxDb);
      }
      query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    }
  }
  if (!db) return wrong("behind the / stands the number of a database");
  return *db;
}

Result<void> take_place(std::string_view place, RedisAddress& into) {
  std::string_view port;
  if (place.starts_with("[")) {
    const auto close = place.find(']');
    if (close == std::string_view::npos) return wrong("the [ is never closed");
    into.host = place.substr(1, close - 1);
    const auto rest = place.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return wrong("nothing but :PORT follows the ]");
    if (!rest.empty()) port = rest.substr(1);
  } else {
    if (std::ranges::count(place, ':') > 1) return wrong("an IPv6 address stands in brackets: [::1]:6379");
    const auto colon = place.find(':');
    into.host = place.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = place.substr(colon + 1);
      if (port.empty()) return wrong("no port stands behind the colon");
    }
  }
  if (into.host.empty()) return wrong("the host is missing");
  const bool odd = std::ranges::any_of(into.host, [](unsigned char c) {
    return c <= 0x20 || c == 0x7F || c == '$' || c == '%' || c == '"' || c == '\'';
  });
  if (into.host.find('$') != std::string::npos) return wrong("a variable is written ${NAME}");
  if (odd) return wrong("no name of a host has such a character");
  if (port.empty()) return {};
  const auto n = whole_number(port, 65'535);
  if (!n || *n < 1) return wrong("a port is a number from 1 to 65535");
  into.port = *n;
  return {};
}

Result<RedisAddress> parse_one(std::string_view text) {
  RedisAddress out;
  std::string scheme = "redis";
  if (const auto end = text.find("://"); end != std::string_view::npos) {
    scheme.assign(text.substr(0, end));
    std::ranges::transform(scheme, scheme.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    text.remove_prefix(end + 3);
  }
  out.tls = scheme == "rediss" || scheme == "valkeys";
  if (scheme == "unix" || scheme == "redis+socket" || scheme == "redis+unix") {
    take_credentials(text, out);
    const auto question = text.find('?');
    out.path = text.substr(0, question);
    if (!out.path.starts_with('/')) return wrong("a socket is written unix:///PATH");
    const auto db = database(question == std::string_view::npos ? "" : text.substr(question), 0);
    if (!db) return tl::unexpected(db.error());
    out.db = *db;
    return out;
  }
  if (!out.tls && scheme != "redis" && scheme != "valkey" && scheme != "sentinel")
    return wrong("it has another scheme than redis:// and rediss://");
  take_credentials(text, out);
  const auto end = text.find_first_of("/?#");
  const auto db = database(end == std::string_view::npos ? "" : text.substr(end), 0);
  if (!db) return tl::unexpected(db.error());
  out.db = *db;
  if (auto ok = take_place(text.substr(0, end), out); !ok) return tl::unexpected(ok.error());
  return out;
}

}  // namespace

std::string RedisAddress::place() const {
  if (!path.empty()) return path;
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<std::vector<RedisAddress>> parse_redis_url(std::string_view text) {
  std::vector<RedisAddress> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    while (!part.empty() && is_blank(part.front())) part.remove_prefix(1);
    while (!part.empty() && is_blank(part.back())) part.remove_suffix(1);
    if (!part.empty()) {
      auto one = parse_one(part);
      if (!one) return tl::unexpected(one.error());
      out.push_back(std::move(*one));
    }
    if (out.size() > kMaxAddresses) return wrong(fmt::format("more than {} of them", kMaxAddresses));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  if (out.empty()) return wrong("it is empty");
  // What one of several carries holds for all: sentinels share their credentials.
  for (auto& a : out) {
    if (a.user.empty() && a.password.empty()) {
      a.user = out.front().user;
      a.password = out.front().password;
    }
    a.db = std::max(a.db, out.back().db);
  }
  return out;
}

}  // namespace docktor
