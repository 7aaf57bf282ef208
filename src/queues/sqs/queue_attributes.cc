#include "queues/sqs/queue_attributes.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "core/json_text.h"
#include "core/text.h"
#include "queues/over_http/asker.h"

namespace docktor {

using nlohmann::json;

namespace {

constexpr std::size_t kMostBody = 256 << 10;
constexpr std::uint64_t kMostSensible = 1ULL << 53;

constexpr const char* kVisible = "ApproximateNumberOfMessages";
constexpr const char* kNotVisible = "ApproximateNumberOfMessagesNotVisible";
constexpr const char* kDelayed = "ApproximateNumberOfMessagesDelayed";
constexpr const char* kTimeout = "VisibilityTimeout";
constexpr const char* kCreated = "CreatedTimestamp";
constexpr const char* kRedrive = "RedrivePolicy";

std::string text_at(const json& object, const char* key) {
  const auto it = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

Result<std::uint64_t> count_at(const json& attributes, const char* key) {
  const auto it = attributes.find(key);
  if (it == attributes.end())
    return fail(ErrorCode::kUnavailable, fmt::format("does not tell {}: no data", key), true);
  const auto text = it->is_string()            ? it->get<std::string>()
                    : it->is_number_unsigned() ? it->dump()
                                               : std::string();
  std::uint64_t n = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || wrong != std::errc{} || end != text.data() + text.size() || n > kMostSensible)
    return fail(ErrorCode::kUnavailable,
                fmt::format("tells {} as {}, which is no count: no data", key, excerpt(it->dump(), 40)),
                true);
  return n;
}

Error error_of(const HttpResponse& answer) {
  const auto j = parse_json(answer.body);
  const auto type = text_at(j, "__type");
  const auto name = type.substr(type.rfind('#') == std::string::npos ? 0 : type.rfind('#') + 1);
  auto message = text_at(j, "message");
  if (message.empty()) message = text_at(j, "Message");
  const auto said = excerpt(name + (message.empty() ? "" : ": " + message), 300);
  if (name.ends_with("QueueDoesNotExist") || name.ends_with("NonExistentQueue"))
    return {ErrorCode::kNotFound, "has no such queue yet", true};
  const auto has = [&](std::string_view word) { return name.find(word) != std::string::npos; };
  if (answer.status == 401 || answer.status == 403 || has("AccessDenied") || has("Token") ||
      has("Signature") || has("RequestExpired") || has("AuthFailure"))
    return {
        ErrorCode::kDenied,
        fmt::format(
            "refuses ({}){}", said.empty() ? fmt::format("status {}", answer.status) : said,
            has("Signature") || has("RequestExpired") ? "; check the secret key, and this host's clock" : ""),
        true};
  return {ErrorCode::kUnavailable,
          fmt::format("answers with status {}{}", answer.status, said.empty() ? "" : " (" + said + ")"),
          true};
}

}  // namespace

HttpRequest attributes_request(const std::string& queue_url) {
  HttpRequest r;
  r.method = "POST";
  r.path = "/";
  r.content_type = "application/x-amz-json-1.0";
  r.headers = {"X-Amz-Target: AmazonSQS.GetQueueAttributes"};
  r.body = json{{"QueueUrl", queue_url},
                {"AttributeNames", {kVisible, kNotVisible, kDelayed, kTimeout, kCreated, kRedrive}}}
               .dump();
  r.max_body = kMostBody;
  return r;
}

Result<QueueAttributes> parse_attributes(const HttpResponse& answer) {
  if (answer.status != 200) return error_of(answer);
  const auto j = parse_json(answer.body);
  const auto it = j.is_object() ? j.find("Attributes") : j.end();
  if (!j.is_object() || it == j.end() || !it->is_object())
    return fail(ErrorCode::kUnavailable,
                fmt::format("answers without attributes ({}): no data", excerpt(answer.body, 60)), true);
  QueueAttributes out;
  for (const auto& [key, into] : {std::pair{kVisible, &out.visible}, std::pair{kNotVisible, &out.not_visible},
                                  std::pair{kDelayed, &out.delayed}}) {
    const auto n = count_at(*it, key);
    if (!n) return tl::unexpected(n.error());
    *into = *n;
  }
  const auto timeout = count_at(*it, kTimeout);
  if (!timeout) return tl::unexpected(timeout.error());
  constexpr std::uint64_t kLongest = 43200;  // SQS allows no more
  out.visibility_timeout = std::chrono::seconds(std::min(*timeout, kLongest));
  out.created = excerpt(text_at(*it, kCreated), 40);
  const auto redrive = parse_json(text_at(*it, kRedrive));
  out.dead_letter_queue = excerpt(text_at(redrive, "deadLetterTargetArn"), 300);
  if (!out.dead_letter_queue.empty()) {
    const auto& most = redrive.value("maxReceiveCount", json());
    const auto text = most.is_string() ? most.get<std::string>() : most.dump();
    int n = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), n).ec == std::errc{} && n > 0)
      out.max_receives = n;
  }
  return out;
}

std::string url_of_arn(const std::string& arn, const std::string& base) {
  // arn:PARTITION:sqs:REGION:ACCOUNT:NAME
  const auto name = arn.rfind(':');
  const auto account = name == std::string::npos || name == 0 ? std::string::npos : arn.rfind(':', name - 1);
  if (!arn.starts_with("arn:") || account == std::string::npos || arn.find(":sqs:") == std::string::npos)
    return {};
  return fmt::format("{}/{}/{}", base, arn.substr(account + 1, name - account - 1), arn.substr(name + 1));
}

}  // namespace docktor
