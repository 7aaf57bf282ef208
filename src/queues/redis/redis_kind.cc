#include "queues/redis/redis_kind.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "core/text.h"
#include "queues/redis/redis_keys.h"
#include "queues/redis/redis_router.h"
#include "queues/redis/redis_source.h"
#include "queues/redis/redis_spec.h"
#include "queues/redis/stream_wake.h"

namespace docktor {

namespace {

constexpr int kPort = 6379;

class RedisFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = RedisSpec::from(service.queue->settings);
    auto login = RedisLoginOptions::from(spec);
    login.scope = reach.scope;
    if (reach.resolve)
      login.resolve = [resolve = reach.resolve](const std::string& url) { return resolve(url, kPort); };
    auto shown = [show = reach.shown, url = spec.url, what = spec.what()] {
      return fmt::format("{} ({})", show ? show(url) : redacted_url(url), what);
    };
    return {std::make_unique<RedisSource>(routers_.get(login), wakes_.get(login), spec), std::move(shown)};
  }

 private:
  RedisRouters routers_;
  StreamWakes wakes_;
};

}  // namespace

const QueueKind kRedisKind = {&kRedisKeys, [](const FactoryOptions&) -> std::unique_ptr<QueueFactory> {
                                return std::make_unique<RedisFactory>();
                              }};

}  // namespace docktor
