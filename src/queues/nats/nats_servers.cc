#include "queues/nats/nats_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "config/mistakes.h"

namespace docktor {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
  return s;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto comma = text.find(',');
    if (const auto part = trimmed(text.substr(0, comma)); !part.empty()) parts.push_back(part);
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

bool may_stand_in_a_host(char c) {
  const auto b = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '.' ||
         c == '_' || b >= 0x80;
}

std::string wrong_port(std::string_view port) {
  if (port.empty()) return "no port stands behind the colon";
  if (!std::ranges::all_of(port, is_digit)) return "the port is not a number";
  while (port.size() > 1 && port.front() == '0') port.remove_prefix(1);
  if (port.size() > 5 || std::stoi(std::string(port)) < 1 || std::stoi(std::string(port)) > 65535)
    return "a port is a number from 1 to 65535";
  return {};
}

// What is wrong with HOST, HOST:PORT or [IPv6]:PORT; empty when nothing is.
std::string wrong_place(std::string_view place) {
  if (place.find('$') != std::string_view::npos) return "a variable is written ${NAME}";
  if (std::ranges::any_of(place, is_blank))
    return "a blank stands in it; several addresses have commas between";
  if (const auto end = place.find_first_of("/?#"); end != std::string_view::npos)
    return "nothing follows the port";
  std::string_view host = place;
  std::string_view port;
  bool has_port = false;
  if (place.starts_with("[")) {
    const auto close = place.find(']');
    if (close == std::string_view::npos) return "the [ is never closed";
    host = place.substr(1, close - 1);
    const auto rest = place.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return "nothing but :PORT follows the ]";
    has_port = !rest.empty();
    port = rest.substr(std::min<std::size_t>(1, rest.size()));
    const auto in_address = [](char c) {
      return is_digit(c) || c == ':' || may_stand_in_a_host(c) || c == '%';
    };
    if (host.empty() || !std::ranges::all_of(host, in_address))
      return "no IPv6 address stands in the brackets";
  } else {
    if (std::ranges::count(place, ':') > 1) return "an IPv6 address stands in brackets: [::1]:4222";
    const auto colon = place.find(':');
    host = place.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = place.substr(colon + 1);
    if (host.empty()) return "the host is missing";
    if (!std::ranges::all_of(host, may_stand_in_a_host)) return "no name of a host has such a character";
  }
  return has_port ? wrong_port(port) : std::string();
}

// Takes the scheme off, in lower case with its "://"; what is wrong with it, or nothing.
std::string take_scheme(std::string_view& address, std::string& scheme) {
  const auto end = address.find("://");
  if (end == std::string_view::npos) return {};
  for (const char c : address.substr(0, end))
    scheme += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (scheme != "nats" && scheme != "tls")
    return scheme == "ws" || scheme == "wss" ? "docktor does not speak WebSocket"
                                             : "it is no address of NATS";
  scheme += "://";
  address.remove_prefix(end + 3);
  return {};
}

}  // namespace

Result<std::string> nats_servers(std::string_view text, bool show) {
  const auto parts = parts_of(text);
  if (parts.empty())
    return fail(ErrorCode::kInvalid,
                "no address of a NATS server; write nats://HOST:PORT or tls://HOST:PORT");
  std::string all;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string_view rest = parts[i];
    std::string scheme;
    std::string wrong = take_scheme(rest, scheme);
    while (rest.ends_with('/')) rest.remove_suffix(1);
    const auto at = rest.rfind('@');
    const auto place = at == std::string_view::npos ? rest : rest.substr(at + 1);
    if (wrong.empty()) wrong = wrong_place(place);
    if (!wrong.empty()) {
      const std::string which = show ? in_quotes(parts[i]) + " "
                                : parts.size() > 1
                                    ? fmt::format("has at place {} of {} what ", i + 1, parts.size())
                                    : std::string();
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}is not the address of a NATS server: {}; write nats://HOST:PORT or "
                              "tls://HOST:PORT, several with commas between",
                              which, wrong));
    }
    all += fmt::format("{}{}{}", all.empty() ? "" : ",", scheme, rest);
  }
  return all;
}

}  // namespace docktor
