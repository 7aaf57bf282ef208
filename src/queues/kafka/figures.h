// What Kafka told of one group at one instant. Plain values.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace docktor {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Partition {
  std::string topic;
  int number = 0;
  friend auto operator<=>(const Partition&, const Partition&) = default;
};

/// Offsets as counts of records. `end` was read before `committed`, so that the latter may be a little ahead.
struct PartitionFigures {
  Partition id;
  std::int64_t begin = 0;                 ///< the oldest record that is still there
  std::int64_t end = 0;                   ///< the next one that will come (or become readable)
  std::optional<std::int64_t> committed;  ///< the next one for the group; absent where it has no commit
  bool residue = false;  ///< from committed to end there is no record: only markers of transactions, or gaps
};

/// Members of the group as its coordinator has them. Not told of groups of the new protocol (KIP-848).
struct GroupMembers {
  int count = 0;
  bool rebalancing = false;  ///< and meanwhile none of them reads
  SteadyTime at;
  std::string assignor{};  ///< how partitions are given out; not told while a rebalance begins
};

struct GroupFigures {
  std::vector<PartitionFigures> partitions;  ///< all of them, in order
  std::optional<GroupMembers> members;
};

}  // namespace docktor
