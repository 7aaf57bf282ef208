// A configuration's text: loaded, or refused with mistakes; and its model changed without touching the rest.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/edit.h"
#include "config/effective.h"
#include "config/load.h"
#include "queues/kafka/kafka_keys.h"
#include "queues/nats/nats_keys.h"
#include "queues/postgres/postgres_keys.h"
#include "queues/rabbitmq/rabbitmq_keys.h"
#include "targets/compose/compose_keys.h"
#include "targets/process/process_keys.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr const docktor::KindKeys* kQueues[] = {&docktor::kNatsKeys, &docktor::kRabbitKeys,
                                                &docktor::kKafkaKeys, &docktor::kPostgresKeys};
constexpr const docktor::KindKeys* kTargets[] = {&docktor::kProcessKeys, &docktor::kComposeKeys};
constexpr docktor::Kinds kKinds{kQueues, kTargets};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace docktor;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A folder that does not exist: a text must not name files that are then read.
  const Environment env = {{"HOME", "/nowhere"}, {"N", "3"}};
  FlagOverrides flags;
  flags.cwd = "/nowhere";
  const auto result = load_config_text(kKinds, text, "f.yaml", "/nowhere", env, flags);
  require(result.config.has_value() == result.mistakes.empty());
  if (result.config) {
    static_cast<void>(effective_config(*result.config).dump());
    for (const auto& s : result.config->services) {
      require(s.limits.min_replicas >= 0 && s.limits.max_replicas >= s.limits.min_replicas);
      require(s.check_interval > Duration::zero() && s.sample_interval > Duration::zero());
    }
  }
  const auto changed = with_llm_keys(text, {{"model", "a/b-1"}, {"provider", "openai"}});
  if (changed && result.config) {
    const auto again = load_config_text(kKinds, *changed, "f.yaml", "/nowhere", env, flags);
    require(again.config && again.config->llm && again.config->llm->model == "a/b-1");
    require(again.config->services == result.config->services);
  }
  return 0;
}
