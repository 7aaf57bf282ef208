// The thread of a cluster: takes the questions that came meanwhile, reads topics once for all of them, then each
// group's commits as the answers come in.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queues/kafka/cluster_state.h"
#include "queues/kafka/kafka_cluster.h"

namespace docktor {

class KafkaCluster::Reader {
 public:
  Reader(const KafkaSpec& spec, KafkaClient::Options options) : spec_(spec), options_(std::move(options)) {}

  static void start(
      const std::shared_ptr<Reader>& reader);  ///< its thread, if it does not run; std::system_error
  void stop(Duration most);                    ///< waits so long for the thread

  std::uint64_t add(GroupQuery query);
  void remove(std::uint64_t id);
  void read(std::uint64_t id, SteadyTime until, Done done);

 private:
  using Ask = KafkaAsk;
  using Group = KafkaGroup;

  void run();
  void take_changes();  ///< queries that came and went
  std::vector<Ask> take_asks(bool wait);
  void round(std::vector<Ask> asks);
  bool refresh_topics(std::vector<Ask>& asks, SteadyTime until);
  void read_edges(const std::vector<Ask>& asks, SteadyTime until);
  void read_leader(int leader, const std::vector<Partition>& partitions, KafkaClient::Edge edge,
                   SteadyTime until);
  void ask_group(std::uint64_t id, Group& group, Ask ask);
  void ask_members(std::uint64_t id, Group& group);
  void took(GroupAnswer answer);
  void finish(Group& group);
  void look_for_residue();
  void expire();
  void answer(Ask ask, Result<GroupFigures> result);

  const KafkaSpec spec_;
  const KafkaClient::Options options_;

  std::mutex mutex_;  // guards the questions; all else is the thread's
  std::condition_variable changed_;
  bool started_ = false, stopped_ = false, ended_ = false;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, GroupQuery> added_;
  std::vector<std::uint64_t> removed_;
  std::set<std::uint64_t> live_;
  std::deque<Ask> asks_;
  KafkaClient* client_ = nullptr;  // to wake; the thread owns it

  KafkaState state_;
  SteadyTime metadata_at_{};
  std::set<int> slow_;  // leaders that did not answer the last time
  std::uint64_t next_tag_ = 1;
  std::map<std::uint64_t, std::uint64_t> tags_;  // of questions on their way: whose they are
  SteadyTime members_second_{};
  int members_asked_ = 0;  // in that second
};

}  // namespace docktor
