#include "app/kinds.h"

#include <array>
#include <cstddef>

#include "notify/address.h"
#include "queues/http/http_kind.h"
#include "queues/kafka/kafka_kind.h"
#include "queues/nats/nats_kind.h"
#include "queues/postgres/postgres_kind.h"
#include "queues/prometheus/prometheus_kind.h"
#include "queues/rabbitmq/rabbitmq_kind.h"
#include "queues/redis/redis_kind.h"
#include "queues/sqs/sqs_kind.h"
#include "targets/compose/compose_kind.h"
#include "targets/kubernetes/kubernetes_kind.h"
#include "targets/process/process_kind.h"

namespace docktor {

namespace {

// A further kind is a row here, and nothing else outside its folder.
constexpr std::array kQueues{&kNatsKind,  &kRabbitKind,     &kRedisKind, &kPostgresKind,
                             &kKafkaKind, &kPrometheusKind, &kHttpKind,  &kSqsKind};
constexpr std::array kTargets{&kProcessKind, &kComposeKind, &kKubernetesKind};

template <class Row, std::size_t N>
std::array<const KindKeys*, N> keys_of(const std::array<const Row*, N>& rows) {
  std::array<const KindKeys*, N> keys{};
  for (std::size_t i = 0; i < N; ++i) keys[i] = rows[i]->keys;
  return keys;
}

}  // namespace

std::span<const QueueKind* const> queue_kinds() { return kQueues; }
std::span<const TargetKind* const> target_kinds() { return kTargets; }

const Kinds& all_kinds() {
  static const auto queues = keys_of(kQueues);
  static const auto targets = keys_of(kTargets);
  static const Kinds kinds{queues, targets, notify::receiver_traits};
  return kinds;
}

}  // namespace docktor
