#include "queues/http/http_kind.h"

#include <memory>
#include <utility>

#include "queues/http/http_inquiry.h"
#include "queues/http/http_keys.h"

namespace docktor {

namespace {

class HttpFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = HttpQueueSpec::from(service.queue->settings);
    auto shown = [show = reach.shown, spec] {
      return shown_http_queue(show ? show(spec.login.shown()) : spec.login.shown(), spec);
    };
    return {std::make_unique<AskedSource>(asker_of(askers_, spec.login, reach),
                                          [spec] { return std::make_unique<HttpInquiry>(spec); }),
            std::move(shown)};
  }

 private:
  Askers askers_;
};

}  // namespace

const QueueKind kHttpKind = {&kHttpKeys, [](const FactoryOptions&) -> std::unique_ptr<QueueFactory> {
                               return std::make_unique<HttpFactory>();
                             }};

}  // namespace docktor
