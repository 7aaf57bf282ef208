#include "queues/sqs/sqs_kind.h"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "queues/over_http/asked_source.h"
#include "queues/sqs/aws_credentials.h"
#include "queues/sqs/sqs_inquiry.h"
#include "queues/sqs/sqs_keys.h"

namespace docktor {

namespace {

constexpr long kConnections = 4;  // at once; one does where it answers promptly

std::string of_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return value ? value : "";
}

class SqsFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = SqsSpec::from(service.queue->settings);
    auto shown = [show = reach.shown, spec] {
      return fmt::format("{}{} ({} requests a day)", show ? show(spec.url.base) : spec.url.base,
                         spec.url.path, spec.requests_a_day(false));
    };
    return {std::make_unique<AskedSource>(sqs_asker(askers_, spec, reach, of_environment),
                                          [spec] { return std::make_unique<SqsInquiry>(spec); }),
            std::move(shown)};
  }

 private:
  Askers askers_;
};

Result<void> sign(AwsIdentity& identity, const SqsSpec& spec, HttpRequest& request,
                  Asker::SteadyTime deadline) {
  const auto found = identity.get(instant_now().unix_seconds, deadline);
  if (!found) return tl::unexpected(found.error());
  if (!*found && spec.aws)
    return fail(ErrorCode::kDenied,
                "no AWS credentials: neither access_key, the environment, a profile, a web identity, the "
                "container nor the "
                "instance has any; write queue.profile, or queue.access_key and queue.secret_key_file",
                true);
  // What is not Amazon's may want a signature and not look at it.
  const auto& c = *found ? **found : AwsCredentials{"docktor", "docktor", "", "", std::nullopt};
  request.aws_sigv4 = fmt::format("aws:amz:{}:sqs", spec.region);
  request.user = c.key;
  request.password = c.secret;
  if (!c.token.empty()) request.headers.push_back("X-Amz-Security-Token: " + c.token);
  return {};
}

}  // namespace

std::shared_ptr<Asker> sqs_asker(Askers& askers, const SqsSpec& spec, const Reach& reach,
                                 std::function<std::string(const char*)> variable) {
  std::string key = spec.tls_verify ? "verify" : "any";
  for (const auto* part :
       {&reach.scope, &spec.url.base, &spec.region, &spec.access_key, &spec.secret_key, &spec.session_token,
        &spec.profile, &spec.tls_ca_file, &spec.tls_cert_file, &spec.tls_key_file})
    key += '\0' + *part;
  return askers.get(key, [&] {
    Asker::Options o;
    o.server = {.base_url = spec.url.base,
                .ca_file = spec.tls_ca_file,
                .cert_file = spec.tls_cert_file,
                .key_file = spec.tls_key_file,
                .verify = spec.tls_verify,
                .most_connections = kConnections};
    o.shown = spec.url.base;
    if (reach.resolve)
      o.resolve = [resolve = reach.resolve, port = spec.url.tls ? 443 : 80](const std::string& url) {
        return resolve(url, port);
      };
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
