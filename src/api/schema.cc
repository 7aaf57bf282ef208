#include "api/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::json;

constexpr std::size_t kMostShown = 60;

// A value as an error shows it: short, on one line, and whatever bytes it held.
std::string in_short(const json& v) {
  std::string text = v.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() > kMostShown ? text.substr(0, kMostShown) + "..." : text;
}

std::string shown(const json& v) {
  const char* kind = v.is_string()   ? "the text "
                     : v.is_object() ? "an object "
                     : v.is_array()  ? "a list "
                                     : "";
  return kind + in_short(v);
}

bool has_type(const json& v, const std::string& type) {
  if (type == "object") return v.is_object();
  if (type == "array") return v.is_array();
  if (type == "string") return v.is_string();
  if (type == "integer") return v.is_number_integer();
  if (type == "number") return v.is_number() && std::isfinite(v.get<double>());
  if (type == "boolean") return v.is_boolean();
  return true;
}

std::string range(const json& schema, const char* low, const char* high) {
  if (schema.contains(low) && schema.contains(high))
    return fmt::format(" from {} to {}", schema[low].dump(), schema[high].dump());
  if (schema.contains(low)) return fmt::format(" of {} or more", schema[low].dump());
  if (schema.contains(high)) return fmt::format(" of {} or less", schema[high].dump());
  return "";
}

std::string wanted(const json& schema) {
  if (const auto it = schema.find("enum"); it != schema.end()) {
    std::vector<std::string> all;
    for (const auto& v : *it) all.push_back(v.dump());
    return fmt::format("one of {}", fmt::join(all, ", "));
  }
  const std::string type = schema.value("type", "");
  if (type == "integer") return "a whole number" + range(schema, "minimum", "maximum");
  if (type == "number") return "a number" + range(schema, "minimum", "maximum");
  if (type == "string")
    return "a text" +
           (schema.contains("maxLength") ? range(schema, "minLength", "maxLength") + " characters long" : "");
  if (type == "boolean") return "true or false";
  if (type == "array")
    return "a list" +
           (schema.contains("maxItems") ? fmt::format(" of at most {}", schema["maxItems"].dump()) : "");
  return "an object";
}

bool in_range(const json& schema, const json& v) {
  if (const auto it = schema.find("enum"); it != schema.end() && std::ranges::find(*it, v) == it->end())
    return false;
  if (v.is_number()) {
    const double d = v.get<double>();
    if (schema.contains("minimum") && d < schema["minimum"].get<double>()) return false;
    if (schema.contains("maximum") && d > schema["maximum"].get<double>()) return false;
  }
  if (v.is_string()) {
    const auto n = v.get_ref<const std::string&>().size();
    if (schema.contains("minLength") && n < schema["minLength"].get<std::size_t>()) return false;
    if (schema.contains("maxLength") && n > schema["maxLength"].get<std::size_t>()) return false;
  }
  return !v.is_array() || !schema.contains("maxItems") || v.size() <= schema["maxItems"].get<std::size_t>();
}

Result<void> check_object(const json& schema, const json& value, std::string_view where) {
  const json properties = schema.value("properties", json::object());
  std::vector<std::string> names;
  for (const auto& [key, p] : properties.items()) names.push_back(key);
  if (schema.contains("additionalProperties") && schema["additionalProperties"] == false) {
    for (const auto& [key, v] : value.items()) {
      if (properties.contains(key)) continue;
      const std::vector<std::string_view> known(names.begin(), names.end());
      const auto near = did_you_mean(key, known);
      return fail(ErrorCode::kInvalid,
                  fmt::format("unknown argument {}{}{}; allowed: {}", in_short(json(key)),
                              where == "arguments" ? std::string() : fmt::format(" in {}", where),
                              near ? fmt::format(" (did you mean {}?)", *near) : "",
                              names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
    }
  }
  for (const auto& key : schema.value("required", json::array())) {
    const auto& name = key.get_ref<const std::string&>();
    if (!value.contains(name)) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}.{} is missing; give {}{}", where, name, wanted(properties[name]),
                              properties[name].contains("description")
                                  ? ": " + properties[name]["description"].get<std::string>()
                                  : ""));
    }
  }
  for (const auto& [key, p] : properties.items()) {
    if (const auto it = value.find(key); it != value.end()) {
      if (auto r = check_schema(p, *it, fmt::format("{}.{}", where, key)); !r) return r;
    }
  }
  return {};
}

}  // namespace

Result<void> check_schema(const json& schema, const json& value, std::string_view where) {
  if (!has_type(value, schema.value("type", "")) || !in_range(schema, value)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} is {}; it must be {}", where, shown(value), wanted(schema)));
  }
  if (value.is_object() && schema.value("type", "") == "object") return check_object(schema, value, where);
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (auto r = check_schema(schema["items"], value[i], fmt::format("{}[{}]", where, i)); !r) return r;
    }
  }
  return {};
}

}  // namespace docktor
