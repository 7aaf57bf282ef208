#include "queues/prometheus/instant_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/json_text.h"
#include "core/text.h"
#include "queues/over_http/asker.h"

namespace docktor {

using nlohmann::json;

namespace {

constexpr std::size_t kShownSeries = 3;

tl::unexpected<Error> nonsense() {
  return fail(ErrorCode::kInternal,
              "has an answer that is not Prometheus's; is queue.url the address of one?");
}

std::string text_at(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

constexpr std::string_view kBlank = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

// Prometheus writes "NaN", "+Inf", "-Inf" and decimal numbers.
std::optional<double> number_in(const std::string& text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf" || text == "Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  if (!is_decimal_number(text)) return std::nullopt;
  return std::strtod(text.c_str(), nullptr);
}

// [1700000000.123, "7"]
Result<InstantValue> value_of(const json& pair) {
  if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_string()) return nonsense();
  const auto value = number_in(pair[1].get<std::string>());
  if (!value) return nonsense();
  return InstantValue{*value, pair[0].dump(), pair[0].get<double>()};
}

// Some versions (2.48 to 2.53) put notes on how a query is written, which is no fault of the answer, among the warnings.
std::string warning_in(const json& answer) {
  const auto warnings = answer.find("warnings");
  if (warnings == answer.end() || !warnings->is_array()) return {};
  for (const auto& w : *warnings) {
    if (!w.is_string()) return "warnings";
    if (auto text = w.get<std::string>(); !text.starts_with("PromQL info:")) return text;
  }
  return {};
}

std::string shown_series(const json& result) {
  std::string out;
  for (std::size_t i = 0; i < result.size() && i < kShownSeries; ++i) {
    const auto metric = result[i].is_object() ? result[i].value("metric", json::object()) : json::object();
    out +=
        (out.empty() ? "" : ", ") + excerpt(metric.dump(-1, ' ', false, json::error_handler_t::replace), 80);
  }
  return out + (result.size() > kShownSeries ? ", ..." : "");
}

}  // namespace

Result<std::optional<InstantValue>> parse_instant(std::string_view text) {
  const auto answer = parse_json(text);
  if (!answer.is_object()) return nonsense();
  const auto status = text_at(answer, "status");
  if (status == "error")
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot be had: {}", excerpt(text_at(answer, "error"), 300)), true);
  const auto data = answer.find("data");
  if (status != "success" || data == answer.end() || !data->is_object()) return nonsense();
  if (const auto warned = warning_in(answer); !warned.empty())
    return fail(ErrorCode::kUnavailable, fmt::format("is a partial answer: {}", excerpt(warned, 300)), true);
  const auto type = text_at(*data, "resultType");
  const auto result = data->find("result");
  if (result == data->end() || !result->is_array()) return nonsense();
  if (type == "scalar") {
    auto value = value_of(*result);
    if (!value) return tl::unexpected(value.error());
    return std::optional(std::move(*value));
  }
  if (type != "vector")
    return fail(ErrorCode::kUnavailable,
                fmt::format("is a {}; write a query that gives one number", excerpt(type, 20)), true);
  if (result->empty()) return std::optional<InstantValue>();
  if (result->size() > 1)
    return fail(ErrorCode::kUnavailable,
                fmt::format("is {} series, {}: wrap it in sum()", result->size(), shown_series(*result)),
                true);
  const auto& one = result->front();
  if (!one.is_object() || !one.contains("value")) return nonsense();
  auto value = value_of(one["value"]);
  if (!value) return tl::unexpected(value.error());
  return std::optional(std::move(*value));
}

std::string version_in(std::string_view text) {
  const auto answer = parse_json(text);
  if (!answer.is_object()) return {};
  const auto data = answer.find("data");
  return data != answer.end() && data->is_object() ? excerpt(text_at(*data, "version"), 40) : std::string();
}

bool is_selector(std::string_view query) {
  query = trimmed(query);
  const auto plain = [](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (!first && c >= '0' && c <= '9');
  };
  std::size_t i = 0;
  while (i < query.size() && plain(query[i], i == 0)) ++i;
  if (i == 0 && !query.starts_with('{')) return false;
  if (i == query.size()) return true;
  if (i > 0) i = query.find_first_not_of(kBlank, i);
  if (query[i] != '{' || !query.ends_with('}')) return false;
  // The one pair of braces, whatever stands within quotes.
  char quote = 0;
  for (++i; i + 1 < query.size(); ++i) {
    const char c = query[i];
    if (quote) {
      if (c == '\\' && quote != '`')
        ++i;
      else if (c == quote)
        quote = 0;
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = c;
    } else if (c == '}') {
      return false;
    }
  }
  return quote == 0;
}

}  // namespace docktor
