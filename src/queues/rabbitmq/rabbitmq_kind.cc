#include "queues/rabbitmq/rabbitmq_kind.h"

#include <memory>
#include <string>
#include <utility>

#include "core/text.h"
#include "queues/rabbitmq/rabbitmq_keys.h"
#include "queues/rabbitmq/rabbitmq_servers.h"
#include "queues/rabbitmq/rabbitmq_source.h"

namespace docktor {

namespace {

class RabbitFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = RabbitSpec::from(service.queue->settings);
    auto shown = [show = reach.shown, spec] {
      return shown_queue(show ? show(spec.url) : redacted_url(spec.url), spec);
    };
    return {std::make_unique<RabbitSource>(
                servers_.get(spec, reach),
                RabbitSource::Options{spec, service.limits.min_replicas == 0, service.objective.has_value()}),
            std::move(shown)};
  }

 private:
  RabbitServers servers_;
};

}  // namespace

const QueueKind kRabbitKind = {&kRabbitKeys, [](const FactoryOptions&) -> std::unique_ptr<QueueFactory> {
                                 return std::make_unique<RabbitFactory>();
                               }};

}  // namespace docktor
