#include "queues/sqs/sqs_spec.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "core/time.h"

namespace docktor {

namespace {

// "sqs.eu-west-1.amazonaws.com", "sqs-fips.us-east-1.api.aws", "vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com", and the older
// "eu-west-1.queue.amazonaws.com" and "queue.amazonaws.com".
std::string region_in(const std::string& base) {
  std::istringstream host(base.substr(base.find("://") + 3));
  std::string before = "us-east-1";
  for (std::string part; std::getline(host, part, '.'); before = part) {
    if (part == "queue") return before;
    if ((part == "sqs" || part == "sqs-fips") && std::getline(host, part, '.')) return part;
  }
  return {};
}

bool is_amazons(const std::string& base) {
  const auto host = base.substr(0, base.find(':', base.find("://") + 3));
  return host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") ||
         host.ends_with(".api.aws");
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value ? value : "";
}

}  // namespace

SqsSpec SqsSpec::from(const Settings& s) {
  SqsSpec q;
  static_cast<HttpEndpoint&>(q) = HttpEndpoint::from(s);
  q.queue_url = q.url.base + q.url.path;
  q.aws = is_amazons(q.url.base);
  q.fifo = q.queue_url.ends_with(".fifo");
  q.region = s.text("region");
  if (q.region.empty() && q.aws) q.region = region_in(q.url.base);
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (q.region.empty()) q.region = variable(name);
  }
  if (q.region.empty()) q.region = "us-east-1";
  q.access_key = s.text("access_key");
  q.secret_key = s.get<Secret>("secret_key").value;
  q.session_token = s.get<Secret>("session_token").value;
  q.profile = s.text("profile");
  q.message_groups = s.get<int>("message_groups", 0);
  q.poll_interval = s.get<Duration>("poll_interval", std::chrono::seconds(q.aws ? 10 : 1));
  return q;
}

long SqsSpec::requests_a_day(bool with_dead) const {
  constexpr double kDay = 86400;
  return std::lround(kDay / to_seconds(poll_interval)) +
         (with_dead ? std::lround(kDay / to_seconds(std::max<Duration>(kDeadInterval, poll_interval))) : 0);
}

}  // namespace docktor
