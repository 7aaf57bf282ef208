#include "queues/kafka/cluster_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace docktor {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Duration rarely_asked(std::size_t things) {
  constexpr Duration kEach = milliseconds(10), kMost = std::chrono::seconds(10);
  return std::min<Duration>(kMost, kEach * static_cast<int>(std::min<std::size_t>(things, 1000)));
}

// With a cooperative assignor members go on reading. Which it is the broker does not tell while a rebalance begins.
void KafkaGroup::note_assignor() {
  if (!members->assignor.empty()) assignor = members->assignor;
  if (assignor.find("cooperative") != std::string::npos) members->rebalancing = false;
}

std::optional<Error> KafkaState::trouble_of(const KafkaGroup& group, const std::string& shown) const {
  for (const auto& name : group.query.topics) {
    const auto& topic = topics.at(name);
    if (topic.info.error) return topic.info.error;
    const auto& leaders = topic.info.leaders;
    const auto bare = std::ranges::find_if(leaders, [](int l) { return l < 0; });
    if (bare != leaders.end())
      return Error{
          ErrorCode::kUnavailable,
          fmt::format(
              "partition {} of topic {} has no leader now (Kafka at {}): start the brokers that hold it",
              bare - leaders.begin(), name, shown),
          true};
  }
  return std::nullopt;
}

// The group's partitions as the topics have them now.
std::optional<Error> KafkaState::lay_out(KafkaGroup& group) const {
  std::vector<Partition> partitions;
  for (const auto& name : group.query.topics) {
    const auto& topic = topics.at(name);
    for (std::size_t n = 0; n < topic.edges.size(); ++n) {
      if (topic.edges[n].error) return topic.edges[n].error;
      partitions.push_back({name, static_cast<int>(n)});
    }
  }
  if (partitions != group.partitions) {
    group.partitions = std::move(partitions);
    group.commits_at.reset();
    group.still.clear();
  }
  return std::nullopt;
}

// Nothing came, and nothing was left to do: then the commits are what they were.
bool KafkaState::at_rest(const KafkaGroup& group) const {
  if (!group.commits_at || steady_clock::now() - *group.commits_at >= rarely_asked(groups.size()))
    return false;
  for (std::size_t i = 0; i < group.partitions.size(); ++i) {
    const auto& p = group.partitions[i];
    const auto& edges = topics.at(p.topic).edges[static_cast<std::size_t>(p.number)];
    if (edges.end != group.ends[i]) return false;
    const auto still = group.still.find(p);
    const bool residue = still != group.still.end() && still->second.residue;
    const bool left = group.commits[i] ? *group.commits[i] < edges.end && !residue
                                       : group.query.earliest && edges.begin < edges.end;
    if (left) return false;
  }
  return true;
}

GroupFigures KafkaState::figures_of(KafkaGroup& group) const {
  const auto now = steady_clock::now();
  GroupFigures figures;
  figures.members = group.members;
  for (std::size_t i = 0; i < group.partitions.size(); ++i) {
    const auto& id = group.partitions[i];
    const auto& edges = topics.at(id.topic).edges[static_cast<std::size_t>(id.number)];
    PartitionFigures p{id, edges.begin, group.ends[i], group.commits[i], false};
    if (p.committed && *p.committed < p.end) {
      auto& still = group.still[id];
      if (still.end != p.end || still.committed != *p.committed)
        still = {p.end, *p.committed, now, false, false, 0};
      p.residue = still.residue;
    } else {
      group.still.erase(id);
    }
    figures.partitions.push_back(std::move(p));
  }
  return figures;
}

SteadyTime KafkaState::next_deadline() const {
  auto out = steady_clock::now() + std::chrono::seconds(1);
  for (const auto& [id, group] : groups) {
    if (group.waits) out = std::min(out, group.waits->until);
  }
  return out;
}

}  // namespace docktor
