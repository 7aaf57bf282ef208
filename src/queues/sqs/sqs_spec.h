// The settings of a queue of kind sqs, as its code reads them.
#pragma once

#include <string>

#include "core/settings.h"
#include "queues/over_http/endpoint.h"

namespace docktor {

struct SqsSpec : HttpEndpoint {
  std::string queue_url;  ///< as the API takes it, without credentials
  std::string region;
  bool aws = false;  ///< Amazon's own, where each request costs
  bool fifo = false;
  std::string access_key;
  std::string secret_key;
  std::string session_token;
  std::string profile;
  int message_groups = 0;  ///< 0: not told
  Duration poll_interval{};

  /// Of settings that have passed the check.
  static SqsSpec from(const Settings& s);

  std::string name() const { return queue_url.substr(queue_url.rfind('/') + 1); }
  /// With that of its dead-letter queue, once a minute.
  long requests_a_day(bool with_dead) const;
};

inline constexpr Duration kDeadInterval = std::chrono::seconds(60);

}  // namespace docktor
