#include "queues/sqs/sqs_kind.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "core/text.h"
#include "queues/sqs/aws_credentials.h"
#include "queues/sqs/sqs_inquiry.h"
#include "queues/sqs/sqs_keys.h"

namespace docktor {

namespace {

std::string of_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value ? value : "";
}

class SqsFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = SqsSpec::from(service.queue->settings);
    auto shown = [show = reach.shown, spec] {
      return fmt::format("{}{} (asked every {})", show ? show(spec.url.base) : spec.url.base, spec.url.path,
                         short_duration(spec.poll_interval));
    };
    return {sqs_source(sqs_asker(askers_, spec, reach, of_environment), spec), std::move(shown)};
  }

 private:
  Askers askers_;
};

Result<std::string> sign(AwsIdentity& identity, const SqsSpec& spec, HttpRequest& request,
                         Asker::SteadyTime deadline) {
  const auto found = identity.get(instant_now(), deadline);
  if (!found) return tl::unexpected(found.error());
  if (!*found && spec.aws)
    return fail(ErrorCode::kDenied,
                "no AWS credentials: neither access_key, the environment, a profile, a web identity, the "
                "container nor the "
                "instance has any; write queue.profile, or queue.access_key and queue.secret_key_file",
                true);
  // What is not Amazon's may want a signature and not look at it.
  const auto& c = *found ? **found : AwsCredentials{"docktor", "docktor", "", "nobody", std::nullopt};
  request.aws_sigv4 = fmt::format("aws:amz:{}:sqs", spec.region);
  request.user = c.key;
  request.password = c.secret;
  if (!c.token.empty()) request.headers.push_back("X-Amz-Security-Token: " + c.token);
  return c.source;
}

}  // namespace

std::unique_ptr<AskedSource> sqs_source(std::shared_ptr<Asker> asker, const SqsSpec& spec) {
  // Not shared: a callback of the asker's may be the last to hold an inquiry, and must not end the asker.
  auto who = [raw = asker.get()] { return raw->signed_by(); };
  return std::make_unique<AskedSource>(std::move(asker),
                                       [spec, who] { return std::make_unique<SqsInquiry>(spec, who); });
}

std::shared_ptr<Asker> sqs_asker(Askers& askers, const SqsSpec& spec, const Reach& reach,
                                 std::function<std::string(const char*)> variable) {
  auto key = spec.key(reach);
  for (const auto* part :
       {&spec.region, &spec.access_key, &spec.secret_key, &spec.session_token, &spec.profile})
    add_to_key(key, *part);
  return askers.get(key, [&] {
    auto o = spec.options(reach);
    AwsIdentity::Options who{
        .configured = {spec.access_key, spec.secret_key, spec.session_token, "the configuration", {}},
        .profile = spec.profile,
        .region = spec.region,
        .ask_instance = spec.aws,
        .variable = std::move(variable)};
    o.sign = [identity = std::make_shared<AwsIdentity>(std::move(who)), spec](HttpRequest& request,
                                                                              Asker::SteadyTime deadline) {
      return sign(*identity, spec, request, deadline);
    };
    return o;
  });
}

const QueueKind kSqsKind = {&kSqsKeys, [](const FactoryOptions&) -> std::unique_ptr<QueueFactory> {
                              return std::make_unique<SqsFactory>();
                            }};

}  // namespace docktor
