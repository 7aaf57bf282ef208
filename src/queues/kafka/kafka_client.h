// One handle of librdkafka: what docktor asks a Kafka cluster, as blocking calls with deadlines.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "queues/kafka/figures.h"
#include "queues/kafka/kafka_errors.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

struct TopicInfo {
  std::optional<Error> error;  ///< kNotFound, kDenied, ...: then there are no partitions
  std::vector<int> leaders;    ///< by partition: the broker's id, -1 where it has none
};

/// Of one partition, by its place in what was asked; absent: no commit.
using Commits = std::vector<std::optional<std::int64_t>>;

struct GroupAnswer {
  std::uint64_t tag = 0;
  std::variant<Result<Commits>, Result<std::optional<GroupMembers>>> what;
};

/// For one thread, but for wake() and give_up(). It is a consumer that joins no group, commits nothing, and makes no
/// topic. librdkafka has threads of its own; `log` is called from these.
class KafkaClient {
 public:
  struct Options {
    std::function<std::string(const std::string& host_and_port)> resolve;  ///< empty: as they are
    std::function<void(const std::string&)> log;  ///< librdkafka's own lines; empty: dropped
    Duration still_after =
        std::chrono::seconds(30);  ///< a lag that does not move for so long may be no records at all
  };

  /// kInvalid where a file of certificates is no good.
  static Result<std::unique_ptr<KafkaClient>> open(const KafkaSpec& spec, Options options);
  ~KafkaClient();
  KafkaClient(const KafkaClient&) = delete;
  KafkaClient& operator=(const KafkaClient&) = delete;

  const std::string& shown() const { return servers_; }

  /// Topics that metadata() tells of.
  void follow(const std::string& topic);
  void unfollow(const std::string& topic);
  Result<std::map<std::string, TopicInfo>> metadata(SteadyTime until);

  /// A connection had trouble since metadata() succeeded last: then it is the one to ask, it gives up soon.
  bool troubled();

  enum class Edge { kBegin, kEnd };
  /// In the order of `partitions`, which have one leader. All or none.
  Result<std::vector<std::int64_t>> offsets(Edge edge, const std::vector<Partition>& partitions,
                                            SteadyTime until);

  /// Whether a consumer of this isolation would get any record of the partition from `from` on. Fetches one at most, as
  /// nobody's member.
  Result<bool> has_record(const Partition& partition, std::int64_t from, SteadyTime until);

  /// Those of the topics that are compacted; without those whose settings the user may not see.
  std::vector<std::string> compacted(const std::vector<std::string>& topics, SteadyTime until);

  /// Asks; next() has the answers, each with its tag.
  void ask_commits(std::uint64_t tag, const std::string& group, const std::vector<Partition>& partitions,
                   SteadyTime until);
  void ask_members(std::uint64_t tag, const std::string& group, SteadyTime until);
  std::optional<GroupAnswer> next(SteadyTime until);
  void wake();     ///< next() returns; thread-safe
  void give_up();  ///< what waits ends soon, and so will the client; thread-safe

 private:
  KafkaClient(const KafkaSpec& spec, Options options);

  Result<void> start();
  Result<Commits> commits_of(rd_kafka_event_t* event) const;
  void serve();

  static void on_error(rd_kafka_t*, int code, const char* reason, void* self);
  static void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text);
  static int on_resolve(const char* node, const char* service, const addrinfo* hints, addrinfo** out,
                        void* self);

  const KafkaSpec spec_;
  const Options options_;
  const std::string servers_;
  KafkaErrors errors_;
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_queue_t* answers_ = nullptr;
  std::map<std::string, rd_kafka_topic_t*> topics_;
  struct AskedCommits {
    std::string group;
    std::vector<Partition> partitions;
  };
  std::map<std::uint64_t, AskedCommits> asked_;  // what the commits that are awaited were asked for
  std::atomic<bool> given_up_ = false;
};

}  // namespace docktor
