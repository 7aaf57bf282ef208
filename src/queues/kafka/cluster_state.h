// What a cluster's thread knows: topics with their partitions, and groups with their commits. It does no I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "queues/kafka/figures.h"
#include "queues/kafka/kafka_client.h"
#include "queues/kafka/kafka_cluster.h"

namespace docktor {

/// A question of a service.
struct KafkaAsk {
  std::uint64_t id;
  SteadyTime until;
  std::function<void(Result<GroupFigures>)> done;
};

/// Where a partition begins and ends.
struct KafkaEdges {
  std::int64_t begin = -1, end = -1;
  std::optional<Error> error;
};

struct KafkaTopic {
  int users = 0;
  bool known = false;  ///< by metadata that is not older than kMetadataGood
  TopicInfo info;
  SteadyTime begins_at{};
  std::vector<KafkaEdges> edges;  ///< by partition
};

/// A partition whose end and commit do not move, with a lag.
struct KafkaStill {
  std::int64_t end = -1, committed = -1;
  SteadyTime since{};
  bool looked = false, residue = false;
  int misses = 0;  ///< looks without an answer
};

struct KafkaGroup {
  GroupQuery query;
  std::vector<Partition> partitions;
  Commits commits;
  std::vector<std::int64_t> ends;  ///< when the commits were asked for
  std::optional<SteadyTime> commits_at;
  std::optional<GroupMembers> members;
  std::optional<SteadyTime> members_asked;
  std::string assignor;  ///< as last told
  std::map<Partition, KafkaStill> still;
  std::optional<KafkaAsk> waits;  ///< for the commits
  std::uint64_t tag = 0;          ///< of the question for them

  void note_assignor();
};

/// Of the cluster's thread.
struct KafkaState {
  std::map<std::uint64_t, KafkaGroup> groups;
  std::map<std::string, KafkaTopic> topics;

  /// Why the group's topics cannot be read; `shown`: the servers.
  std::optional<Error> trouble_of(const KafkaGroup& group, const std::string& shown) const;
  /// Gives the group the partitions that its topics have now.
  std::optional<Error> lay_out(KafkaGroup& group) const;
  /// Nothing came, and nothing was left to do: then the commits are what they were.
  bool at_rest(const KafkaGroup& group) const;
  /// What is told of the group; notes which of its partitions stand still.
  GroupFigures figures_of(KafkaGroup& group) const;
  /// When the next question of those that wait must be answered; in a second where none waits.
  SteadyTime next_deadline() const;
};

/// How long an answer does for that hardly ever changes (where logs begin, the commits and members of a group that has nothing to
/// do): the longer the more of them there are.
Duration rarely_asked(std::size_t things);

}  // namespace docktor
