// What SQS says of a queue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "os/http_client.h"

namespace docktor {

/// All of them were told, but where they are optional.
struct QueueAttributes {
  std::uint64_t visible = 0;      ///< ready
  std::uint64_t not_visible = 0;  ///< in hand
  std::uint64_t delayed = 0;      ///< their time has not come
  Duration visibility_timeout{};
  std::string created;            ///< another one: another queue
  std::string dead_letter_queue;  ///< its ARN; empty: none
  std::optional<int> max_receives;
};

/// GetQueueAttributes of that queue, for signing.
HttpRequest attributes_request(const std::string& queue_url);

/// kNotFound: no such queue; kDenied; kUnavailable, with the attribute's name, for one that is absent or no count. Messages
/// stand behind "SQS ".
Result<QueueAttributes> parse_attributes(const HttpResponse& answer);

/// "arn:aws:sqs:eu-west-1:123456789012:mail-dead" beside "https://sqs.eu-west-1.amazonaws.com/123456789012/mail"; empty where it
/// is no ARN of a queue.
std::string url_of_arn(const std::string& arn, const std::string& base);

}  // namespace docktor
