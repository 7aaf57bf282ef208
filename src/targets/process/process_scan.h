// Finds processes that belong to replicas, whoever their parent is.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/proc.h"

namespace docktor {

inline constexpr std::string_view kTokenVariable = "DOCKTOR_TOKEN";

using ProcessesByToken = std::map<std::string, std::vector<ProcessStat>>;

/// Processes by the token in their environment, oldest first, for tokens of this pool ("<pool>/..."). Only
/// our own user's, of our pid namespace, alive, and never this process itself. Reads the environment of every
/// process: for the start.
ProcessesByToken find_by_pool(const std::string& pool);

/// The same for pools that are made one after the other: one look through /proc serves those that come within
/// kFresh, until a replica is started. Not thread-safe.
class PoolScan {
 public:
  static constexpr std::chrono::seconds kFresh{1};

  ProcessesByToken find(const std::string& pool);
  /// A replica was started: what was seen is not all any more.
  void forget() { seen_at_.reset(); }

 private:
  ProcessesByToken seen_;
  std::optional<std::chrono::steady_clock::time_point> seen_at_;
};

/// A replica whose first process has ended.
struct EndedReplica {
  std::string token;
  ProcessIdentity leader;
  bool group_is_pinned = false;  ///< the leader is our zombie: nobody else can have a group of that number
};

/// For each ended replica the living processes that are left of it: of its group where that is pinned, and
/// those that carry its token. One pass over /proc for all of them; environments are read only of processes
/// younger than a leader.
std::vector<std::vector<ProcessIdentity>> find_left(const std::vector<EndedReplica>& ended);

}  // namespace docktor
