// The source of one service: a consumer group of Kafka on its topics.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/source.h"
#include "queues/kafka/kafka_cluster.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

/// Thread-safe. Nothing is ever written to the cluster, and nothing taken from it.
class KafkaSource final : public Source {
 public:
  struct Options {
    KafkaSpec spec;
    int min_replicas = 0, max_replicas = 1;  ///< for check()
  };

  KafkaSource(std::shared_ptr<KafkaCluster> cluster, Options options);
  ~KafkaSource() override;

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  std::string watch_gap() const override;
  std::string unfit_for_zero() const override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  class Core;
  const std::shared_ptr<KafkaCluster> cluster_;
  const Options options_;
  const std::uint64_t id_;
  std::shared_ptr<Core> core_;
};

}  // namespace docktor
