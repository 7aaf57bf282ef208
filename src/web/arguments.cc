// Arguments out of a request, and errors as application/problem+json.
#include <fmt/format.h>

#include <cstdlib>

#include "api/control_socket.h"
#include "core/json_text.h"
#include "core/record.h"
#include "core/text.h"
#include "web/site.h"

namespace docktor::web {
namespace {

using nlohmann::json;

// The text of a path or query as the schema's type; as it is where it is no such thing, for the check to refuse.
json typed(const std::string& text, const json& schema) {
  const auto type = schema.value("type", "string");
  if (type == "integer" && is_whole_number(text) && text.size() < 10) return std::atoi(text.c_str());
  if (type == "number" && is_decimal_number(text)) return std::strtod(text.c_str(), nullptr);
  if (type == "boolean" && (text == "true" || text == "1")) return true;
  if (type == "boolean" && (text == "false" || text == "0")) return false;
  return text;
}

std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 401:
      return "No or wrong token";
    case 403:
      return "Not allowed";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Body too large";
    case 414:
      return "Address too long";
    case 415:
      return "Wrong content type";
    case 421:
      return "Wrong host";
    case 429:
      return "Too many at once";
    case 431:
      return "Head too large";
    case 503:
      return "Not available now";
    default:
      return "Failed";
  }
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kDenied:
      return 403;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kExhausted:
      return 429;
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

http::Response problem(int status, const std::string& detail, std::string_view code, bool retry) {
  nlohmann::ordered_json j = {
      {"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  if (!code.empty()) j["code"] = code;
  j["retry"] = retry;
  http::Response r{.status = status, .body = to_line(j) + "\n", .content_type = "application/problem+json"};
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

http::Response problem(const Error& error) {
  return problem(status_of(error.code), error.message, refusal(error).value("code", ""), error.retry);
}

Result<json> arguments_of(const http::Request& request, const Operation& operation,
                          const std::map<std::string, std::string>& path) {
  json arguments = json::object();
  const auto& known = operation.arguments["properties"];
  if (!request.body.empty()) {
    arguments = parse_json(request.body);
    if (!arguments.is_object())
      return fail(
          ErrorCode::kInvalid,
          fmt::format("the body must be one JSON object, nested at most {} levels deep", kMaxJsonDepth));
  }
  const auto take = [&](const std::string& key, const std::string& text) {
    const auto schema = known.find(key);
    arguments[key] = schema == known.end() ? json(text) : typed(text, *schema);
  };
  for (const auto& [key, text] : request.query) take(key, text);
  for (const auto& [key, text] : path) {
    if (arguments.contains(key))
      return fail(ErrorCode::kInvalid, fmt::format("{} stands in the address; leave it out elsewhere", key));
    take(key, text);
  }
  if (const auto fits = checked_operation(operation.name, arguments); !fits)
    return tl::unexpected(fits.error());
  return arguments;
}

}  // namespace docktor::web
