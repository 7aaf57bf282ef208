#include "queues/nats/nats_kind.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "core/text.h"
#include "queues/nats/jetstream_connections.h"
#include "queues/nats/jetstream_source.h"
#include "queues/nats/nats_keys.h"
#include "queues/nats/nats_spec.h"

namespace docktor {

namespace {

constexpr int kPort = 4222;

class NatsFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = NatsSpec::from(service.queue->settings);
    auto link = NatsLinkOptions::from(spec);
    link.scope = reach.scope;
    if (reach.resolve)
      link.resolve = [resolve = reach.resolve](const std::string& url) { return resolve(url, kPort); };
    auto shown = [show = reach.shown, spec] {
      return fmt::format("{} ({}/{})", show ? show(spec.url) : redacted_url(spec.url), spec.stream,
                         spec.consumer);
    };
    return {
        std::make_unique<JetStreamSource>(
            connections_.get(link), JetStreamSource::options_from(spec, service.limits.min_replicas == 0)),
        std::move(shown)};
  }

 private:
  JetStreamConnections connections_;
};

}  // namespace

const QueueKind kNatsKind = {&kNatsKeys, [](const FactoryOptions&) -> std::unique_ptr<QueueFactory> {
                               return std::make_unique<NatsFactory>();
                             }};

}  // namespace docktor
