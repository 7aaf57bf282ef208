#include "queues/kafka/kafka_kind.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "core/text.h"
#include "queues/kafka/kafka_cluster.h"
#include "queues/kafka/kafka_keys.h"
#include "queues/kafka/kafka_source.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

namespace {

class KafkaFactory final : public QueueFactory {
 public:
  explicit KafkaFactory(const FactoryOptions& options) : clusters_({.log = options.log}) {}

  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = KafkaSpec::from(service.queue->settings);
    auto shown = [servers = spec.servers, what = spec.what()] {
      return fmt::format("{} ({})", redacted_url(servers), what);
    };
    return {std::make_unique<KafkaSource>(
                clusters_.get(spec, reach),
                KafkaSource::Options{spec, service.limits.min_replicas, service.limits.max_replicas}),
            std::move(shown)};
  }

 private:
  KafkaClusters clusters_;
};

}  // namespace

const QueueKind kKafkaKind = {&kKafkaKeys,
                              [](const FactoryOptions& options) -> std::unique_ptr<QueueFactory> {
                                return std::make_unique<KafkaFactory>(options);
                              }};

}  // namespace docktor
