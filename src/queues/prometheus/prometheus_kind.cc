#include "queues/prometheus/prometheus_kind.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "core/text.h"
#include "queues/prometheus/prometheus_inquiry.h"
#include "queues/prometheus/prometheus_keys.h"

namespace docktor {

namespace {

class PrometheusFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = PrometheusSpec::from(service.queue->settings);
    auto shown = [show = reach.shown, base = spec.login.shown(),
                  query = excerpt(spec.queries.at(Figure::kBacklog))] {
      return fmt::format("{} ({})", show ? show(base) : base, query);
    };
    return {std::make_unique<AskedSource>(asker_of(askers_, spec.login, reach),
                                          [spec] { return std::make_unique<PrometheusInquiry>(spec); }),
            std::move(shown)};
  }

 private:
  Askers askers_;
};

}  // namespace

const QueueKind kPrometheusKind = {&kPrometheusKeys,
                                   [](const FactoryOptions&) -> std::unique_ptr<QueueFactory> {
                                     return std::make_unique<PrometheusFactory>();
                                   }};

}  // namespace docktor
