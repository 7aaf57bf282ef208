#include "queues/http/pointed_figures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <vector>

#include "core/text.h"
#include "queues/over_http/asker.h"
#include "queues/over_http/rfc3339.h"

namespace docktor {

using nlohmann::json;

namespace {

constexpr std::size_t kShownKeys = 8;

// "/a/b" -> "/a"
std::string parent_of(const std::string& pointer) { return pointer.substr(0, pointer.rfind('/')); }

const json* find(const json& document, const std::string& pointer) {
  try {
    const json::json_pointer p(pointer);
    return document.contains(p) ? &document.at(p) : nullptr;
  } catch (const json::exception&) {  // "01" or "-" for a place in a list
    return nullptr;
  }
}

// What is there in place of it: the nearest that exists, and what it has.
std::string nearest(const json& document, std::string pointer) {
  const json* at = nullptr;
  while (!at && !pointer.empty()) {
    pointer = parent_of(pointer);
    at = find(document, pointer);
  }
  const auto place = pointer.empty() ? std::string("the answer") : pointer;
  if (!at || !at->is_object()) return fmt::format("{} is {}", place, at ? at->type_name() : "missing");
  std::vector<std::string> keys;
  for (const auto& [key, value] : at->items()) {
    if (keys.size() == kShownKeys) {
      keys.emplace_back("...");
      break;
    }
    keys.push_back(excerpt(key, 40));
  }
  return keys.empty() ? fmt::format("{} is empty", place)
                      : fmt::format("{} has {}", place, fmt::join(keys, ", "));
}

Result<const json*> there(const json& document, std::string_view key, const std::string& pointer) {
  if (const auto* at = find(document, pointer)) return at;
  return fail(ErrorCode::kUnavailable,
              fmt::format("{}: the answer has no {} ({}): no data", key, pointer, nearest(document, pointer)),
              true);
}

tl::unexpected<Error> not_a(std::string_view what, std::string_view key, const std::string& pointer,
                            const json& at) {
  const auto is = at.is_string() ? fmt::format("the text \"{}\"", excerpt(at.get<std::string>(), 40))
                                 : std::string(at.type_name());
  return fail(ErrorCode::kUnavailable,
              fmt::format("{}: {} is {}, and not {}: no data", key, pointer, is, what), true);
}

}  // namespace

bool is_pointer(const std::string& text) {
  try {
    const json::json_pointer parsed(text);
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

Result<double> number_at(const json& document, std::string_view key, const std::string& pointer) {
  const auto at = there(document, key, pointer);
  if (!at) return tl::unexpected(at.error());
  const auto& v = **at;
  if (v.is_number()) return sensible(key, v.get<double>());
  if (v.is_string() && is_whole_number(v.get<std::string>()))
    return sensible(key, std::strtod(v.get<std::string>().c_str(), nullptr));
  return not_a("a number", key, pointer, v);
}

Result<double> instant_at(const json& document, std::string_view key, const std::string& pointer) {
  constexpr double kMilliseconds = 1e11;  // in seconds the year 5138
  const auto at = there(document, key, pointer);
  if (!at) return tl::unexpected(at.error());
  const auto& v = **at;
  if (v.is_number()) {
    const auto n = sensible(key, v.get<double>());
    if (!n) return n;
    return *n >= kMilliseconds ? *n / 1000 : *n;
  }
  if (v.is_string()) {
    if (const auto t = parse_rfc3339(v.get<std::string>())) return *t;
  }
  return not_a("a time (Unix seconds, or 2024-01-31T12:00:00Z)", key, pointer, v);
}

}  // namespace docktor
