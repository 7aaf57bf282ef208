// Makes topics, produces and commits, as producers, workers and administrators do. Blocks; throws std::runtime_error
// where the cluster refuses. Not thread-safe.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace docktor::test {

class KafkaAdmin {
 public:
  explicit KafkaAdmin(const std::string& servers);
  ~KafkaAdmin();
  KafkaAdmin(const KafkaAdmin&) = delete;
  KafkaAdmin& operator=(const KafkaAdmin&) = delete;

  void create(const std::string& topic, int partitions = 1,
              const std::map<std::string, std::string>& settings = {});
  void create_on(const std::string& topic, int broker);  ///< one partition, which that broker alone holds
  void remove(const std::string& topic);
  void truncate(const std::string& topic, int partition, std::int64_t before);  ///< as retention does
  void deny(const std::string& user, const std::string& topic);
  /// And nobody who is not allowed it, too, from then on.
  void allow_describe(const std::string& user, rd_kafka_ResourceType_t type, const std::string& name);

  /// Records of partition 0 unless it is said, stored when it returns.
  void produce(const std::string& topic, int count = 1, int partition = 0);
  void produce_keyed(const std::string& topic, const std::string& key, int count = 1);

  /// Records that are still in partition 0, as a reader from its begin finds them.
  int stored(const std::string& topic);

  /// As a member that has read so far.
  void commit(const std::string& group, const std::string& topic, std::int64_t offset, int partition = 0);

 private:
  void acl(rd_kafka_AclBinding_t* acl);  ///< takes it
  void wait(rd_kafka_queue_t* queue, const std::string& what) const;

  const std::string servers_;
  rd_kafka_t* producer_ = nullptr;
  std::map<std::string, rd_kafka_t*> committers_;  // by group
};

/// A producer with transactions.
class KafkaTransactions {
 public:
  KafkaTransactions(const std::string& servers, const std::string& id);
  ~KafkaTransactions();
  KafkaTransactions(const KafkaTransactions&) = delete;
  KafkaTransactions& operator=(const KafkaTransactions&) = delete;

  void begin();
  void produce(const std::string& topic, int count);  ///< flushed
  /// "RUN 1" to "RUN count", as the example's producer has them, to all partitions in turn; flushed.
  void send(const std::string& topic, const std::string& run, int count, int partitions);
  void commit();
  void abort();

 private:
  rd_kafka_t* producer_ = nullptr;
};

/// A member of a group that reads and keeps all for itself; it commits nothing.
class KafkaMember {
 public:
  KafkaMember(const std::string& servers, const std::string& group, const std::string& topic,
              const std::string& assignor = "range");
  ~KafkaMember();
  KafkaMember(const KafkaMember&) = delete;
  KafkaMember& operator=(const KafkaMember&) = delete;
  void poll();    ///< for a moment; joins meanwhile
  void vanish();  ///< as a host that is lost: the group waits for it until its session ends

 private:
  rd_kafka_t* consumer_ = nullptr;
};

}  // namespace docktor::test
