#include "queues/nats/subjects.h"

#include <algorithm>

namespace docktor {
namespace {

// Takes the first token off `rest`; `rest` becomes empty with the last one. Subjects have no empty tokens.
std::string_view next_token(std::string_view& rest) {
  const auto dot = rest.find('.');
  const auto token = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  return token;
}

bool is_space(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u <= 0x20 || u == 0x7f;
}

}  // namespace

bool is_subject(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.' || std::ranges::any_of(text, is_space))
    return false;
  for (std::string_view rest = text; !rest.empty();) {
    const auto token = next_token(rest);
    if (token.empty()) return false;
    if (token == ">" && !rest.empty()) return false;
    if (token.size() > 1 && token.find_first_of("*>") != std::string_view::npos) return false;
  }
  return true;
}

bool is_api_token(std::string_view text) {
  constexpr std::string_view kForbidden = ".*>/\\";
  return !text.empty() && std::ranges::none_of(text, [&](char c) {
    return is_space(c) || kForbidden.find(c) != std::string_view::npos;
  });
}

bool covers(std::string_view outer, std::string_view inner) {
  while (!outer.empty() && !inner.empty()) {
    const auto o = next_token(outer);
    const auto i = next_token(inner);
    if (o == ">") return true;
    if (i == ">") return false;
    if (o != "*" && o != i) return false;  // a literal covers neither another literal nor "*"
  }
  return outer.empty() && inner.empty();
}

std::optional<std::string> intersection(std::string_view a, std::string_view b) {
  std::string out;
  const auto append = [&](std::string_view token) {
    if (!out.empty()) out += '.';
    out += token;
  };
  while (!a.empty() && !b.empty()) {
    const auto a_all = a, b_all = b;
    const auto x = next_token(a);
    const auto y = next_token(b);
    if (x == ">" || y == ">") {
      append(x == ">" ? b_all : a_all);  // ">" is one token or more: the other's rest is in it
      return out;
    }
    if (x != "*" && y != "*" && x != y) return std::nullopt;
    append(x == "*" ? y : x);
  }
  if (!a.empty() || !b.empty()) return std::nullopt;
  return out;
}

bool covers_all(std::span<const std::string> filters, std::span<const std::string> subjects) {
  const auto passes_any = [](const std::string& f) { return f.empty() || f == ">"; };
  if (filters.empty() || std::ranges::any_of(filters, passes_any)) return true;
  return !subjects.empty() && std::ranges::all_of(subjects, [&](const std::string& s) {
    return std::ranges::any_of(filters, [&](const std::string& f) { return covers(f, s); });
  });
}

}  // namespace docktor
