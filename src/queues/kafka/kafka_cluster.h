// One Kafka cluster as one user sees it, read for all services at once by a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/factory.h"
#include "core/result.h"
#include "queues/kafka/figures.h"
#include "queues/kafka/kafka_client.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

/// What a service asks for: one group on its topics.
struct GroupQuery {
  std::string group;
  std::vector<std::string> topics;
  bool earliest = false;  ///< where there is no commit, all that is there is still to be read
};

/// Thread-safe. Calls back from its own thread, with no lock held; callbacks may ask again, and must not wait for it.
/// The destructor waits for the thread, seconds at most: one that librdkafka holds up (a name server that does not answer)
/// ends by itself later.
class KafkaCluster {
 public:
  using Done = std::function<void(Result<GroupFigures>)>;

  KafkaCluster(const KafkaSpec& spec, KafkaClient::Options options);
  ~KafkaCluster();
  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;

  std::uint64_t add(GroupQuery query);
  void remove(std::uint64_t id);  ///< what it asked for is not answered any more

  /// Those of the topics that are known to be compacted. Blocks until then, and asks by a client of its own: for checks.
  std::vector<std::string> compacted(const std::vector<std::string>& topics, SteadyTime until) const;

  /// Answers once, shortly after `until` at the latest. At most one question of a query is under way.
  void read(std::uint64_t id, SteadyTime until, Done done);

 private:
  class Reader;
  const KafkaSpec spec_;
  const KafkaClient::Options options_;
  std::shared_ptr<Reader> reader_;
};

/// Clusters by address and identity. Thread-safe. A cluster lives as long as somebody holds it.
class KafkaClusters {
 public:
  explicit KafkaClusters(KafkaClient::Options options = {}) : options_(std::move(options)) {}
  std::shared_ptr<KafkaCluster> get(const KafkaSpec& spec, const Reach& reach);

 private:
  const KafkaClient::Options options_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<KafkaCluster>> clusters_;
};

}  // namespace docktor
