#include "queues/postgres/postgres_kind.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "core/text.h"
#include "queues/postgres/framework_table.h"
#include "queues/postgres/pg_connection.h"
#include "queues/postgres/postgres_keys.h"
#include "queues/postgres/postgres_source.h"
#include "queues/postgres/postgres_spec.h"

namespace docktor {

namespace {

constexpr int kPort = 5432;

class PostgresFactory final : public QueueFactory {
 public:
  OpenQueue open(const ServiceSpec& service, const Reach& reach) override {
    const auto spec = PostgresSpec::from(service.queue->settings);
    auto login = PgLogin::from(spec);
    login.scope = reach.scope;
    if (reach.resolve)
      login.resolve = [resolve = reach.resolve](const std::string& url) { return resolve(url, kPort); };
    auto shown = [show = reach.shown, url = spec.url, what = spec.what()] {
      return fmt::format("{} ({})", show ? show(url) : redacted_url(url), what);
    };
    return {std::make_unique<PostgresSource>(connections_.get(login), table(spec, login), spec),
            std::move(shown)};
  }

 private:
  std::shared_ptr<FrameworkTable> table(const PostgresSpec& spec, const PgLogin& login) {
    const auto* framework = pg_framework_named(spec.framework);
    if (!framework) return nullptr;
    const std::lock_guard lock(mutex_);
    auto& known = tables_[login.key() + spec.framework + '\0' + spec.schema];
    auto out = known.lock();
    if (!out) known = out = std::make_shared<FrameworkTable>(*framework, spec.schema);
    return out;
  }

  PgConnections connections_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<FrameworkTable>> tables_;
};

}  // namespace

const QueueKind kPostgresKind = {&kPostgresKeys, [](const FactoryOptions&) -> std::unique_ptr<QueueFactory> {
                                   return std::make_unique<PostgresFactory>();
                                 }};

}  // namespace docktor
