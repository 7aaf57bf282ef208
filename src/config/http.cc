// The http block: where page, metrics and API listen, and who may ask.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/files.h"
#include "config/parts.h"
#include "config/scalars.h"
#include "core/text.h"

namespace docktor {

namespace {

constexpr std::size_t kLeastToken = 32;
constexpr std::size_t kMostToken = 4096;

struct Address {
  bool loopback = false;
};

// "127.0.0.1:3625", "[::1]:3625"
std::optional<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string port(text.substr(colon + 1));
  if (!is_whole_number(port) || port.size() > 5 || std::stoi(port) > 65535) return std::nullopt;
  std::string host(text.substr(0, colon));
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return Address{(ntohl(v4.s_addr) >> 24) == 127};
  if (!host.starts_with('[') || !host.ends_with(']')) return std::nullopt;
  host = host.substr(1, host.size() - 2);
  in6_addr v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) != 1) return std::nullopt;
  return Address{IN6_IS_ADDR_LOOPBACK(&v6) != 0};
}

// The name in http(s)://NAME[:PORT][/PATH]; nothing where it is no such address. What stands in links and messages has no
// password, and a query or a fragment would not be the page's.
std::optional<std::string> host_name(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    const bool plain = std::ranges::all_of(url, [](char c) {
      return c > 0x20 && c < 0x7f && std::string_view("?#@<>\"\\|").find(c) == std::string_view::npos;
    });
    std::string_view name = url.substr(0, url.find('/'));
    const bool bracketed = name.starts_with('[');
    if (const auto end = bracketed ? name.find(']') : name.find(':'); end != std::string_view::npos)
      name = name.substr(0, end + (bracketed ? 1 : 0));
    return plain && !name.empty() ? std::optional(std::string(name)) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<HttpToken> read_token(ConfigContext& context, const YamlNode& node, HttpSpec& http) {
  Section section(context, kHttpToken, node);
  const auto name = section.text("name");
  const auto file = section.readable_file("file");
  const auto acts = section.boolean("acts");
  if (!name || !file) return std::nullopt;
  const auto plain = [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  if (!std::ranges::all_of(name->value, plain))
    context.mistakes.add(name->place, "the name of a token has letters, digits and signs only, no space");
  auto text = read_small_file(file->value, kMostToken);
  if (!text) {
    context.mistakes.add(file->place, fmt::format("the token cannot be read: {}", text.error().message));
    return std::nullopt;
  }
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->size() < kLeastToken ||
      !std::ranges::all_of(*text, [](char c) { return c > 0x20 && c < 0x7f; })) {
    context.mistakes.add(file->place,
                         fmt::format("the file must hold one line of {} characters or more, without spaces; "
                                     "write one with: openssl rand -hex 24",
                                     kLeastToken));
    return std::nullopt;
  }
  http.token_files.push_back(file->value);
  return HttpToken{name->value, Secret{*text}, acts && acts->value};
}

}  // namespace

HttpSpec read_http(Section& top) {
  HttpSpec http;
  const auto* node = top.section("http");
  if (!node) return http;
  auto& context = top.context();
  Section section(context, kHttp, *node);
  if (const auto hosts = section.texts("hosts")) http.hosts = hosts->value;
  if (const auto url = section.text("public_url"); url && !url->value.empty()) {
    http.public_url = url->value;
    while (http.public_url.ends_with('/')) http.public_url.pop_back();
    const auto name = host_name(url->value);
    if (!name) {
      context.mistakes.add(url->place,
                           "public_url is not the address of a page; write https://docktor.example.org, "
                           "without a password, '?' or '#'");
    } else {
      http.hosts.push_back(*name);  // a proxy passes the name on that it was asked for
    }
  }
  if (const auto tokens = section.sections("tokens")) {
    std::set<std::string> names;
    for (const auto* one : *tokens) {
      auto token = read_token(context, *one, http);
      if (!token) continue;
      if (!names.insert(token->name).second)
        context.mistakes.add(one->at, "another token has this name; names must differ");
      http.tokens.push_back(std::move(*token));
    }
  }
  const auto listen = section.text("listen");
  if (!listen || listen->value.empty()) return http;
  http.listen = listen->value;
  const auto address = parse_address(listen->value);
  if (!address) {
    context.mistakes.add(listen->place,
                         "listen is not an address with a port; write 127.0.0.1:3625 or [::1]:3625");
  } else if (!address->loopback && http.tokens.empty() && !section.entry("tokens")) {
    context.mistakes.add(listen->place,
                         "whoever reaches this address could read everything; add tokens: with a name and a "
                         "file, or listen on 127.0.0.1");
  }
  return http;
}

}  // namespace docktor
