#include "queues/sqs/sqs_spec.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/time.h"

namespace docktor {

namespace {

// "sqs.eu-west-1.amazonaws.com" and the older "eu-west-1.queue.amazonaws.com"
std::string region_in(const std::string& base) {
  const auto host = base.substr(base.find("://") + 3);
  if (host.starts_with("sqs.") || host.starts_with("sqs-fips.")) {
    const auto from = host.find('.') + 1;
    return host.substr(from, host.find('.', from) - from);
  }
  if (const auto at = host.find(".queue.amazonaws."); at != std::string::npos) return host.substr(0, at);
  return {};
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value ? value : "";
}

}  // namespace

SqsSpec SqsSpec::from(const Settings& s) {
  SqsSpec q;
  q.url = parse_http_url(s.get<Url>("url").value).value_or(HttpUrl{});
  q.queue_url = q.url.base + q.url.path;
  q.aws = q.url.base.find(".amazonaws.com") != std::string::npos;
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
  q.tls_ca_file = s.text("tls_ca_file");
  q.tls_cert_file = s.text("tls_cert_file");
  q.tls_key_file = s.text("tls_key_file");
  q.tls_verify = s.get<bool>("tls_verify", true);
  return q;
}

long SqsSpec::requests_a_day(bool with_dead) const {
  constexpr double kDay = 86400;
  return std::lround(kDay / to_seconds(poll_interval)) +
         (with_dead ? std::lround(kDay / to_seconds(std::max<Duration>(kDeadInterval, poll_interval))) : 0);
}

}  // namespace docktor
