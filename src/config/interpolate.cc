#include "config/interpolate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace docktor {

namespace {

bool is_name(std::string_view s) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !s.empty() && letter(s[0]) && std::ranges::all_of(s, [&](char c) { return letter(c) || digit(c); });
}

// Does not repeat the text: it may be a part of a password.
Result<std::string> not_understood() {
  return fail(ErrorCode::kInvalid,
              "a ${ is not understood; write ${VAR}, ${VAR:-default}, or $${ for a plain ${");
}

// `inside` is what stands between ${ and }.
Result<std::string> expand(std::string_view inside, const Environment& env) {
  const auto colon = inside.find(":-");
  const auto name = inside.substr(0, colon);
  const bool has_default = colon != std::string_view::npos;
  const auto standard = has_default ? inside.substr(colon + 2) : std::string_view{};
  if (!is_name(name) || standard.find("${") != std::string_view::npos) {
    return not_understood();
  }
  const auto found = env.find(std::string(name));
  if (found != env.end() && !(has_default && found->second.empty())) return found->second;
  if (has_default) return std::string(standard);
  return fail(
      ErrorCode::kInvalid,
      fmt::format("the environment variable {} is not set; set it, or write ${{{}:-default}}", name, name));
}

}  // namespace

Result<std::string> interpolate(std::string_view text, const Environment& env) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto rest = text.substr(i);
    if (rest.starts_with("$$")) {
      out += '$';
      ++i;
    } else if (rest.starts_with("${")) {
      const auto end = rest.find('}');
      if (end == std::string_view::npos) return not_understood();
      auto value = expand(rest.substr(2, end - 2), env);
      if (!value) return value;
      out += *value;
      if (out.size() > kMaxInterpolatedBytes) {
        return fail(ErrorCode::kExhausted,
                    fmt::format("its variables make it longer than {} KiB; use shorter ones",
                                kMaxInterpolatedBytes / 1024));
      }
      i += end;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace docktor
