// One running worker of a service, as its target reports it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/sample.h"
#include "core/time.h"

namespace docktor {

enum class ReplicaState {
  kStarting,   ///< asked for, not yet able to work
  kReady,      ///< able to work
  kFailing,    ///< exited at once; waits for its next start
  kNotPlaced,  ///< asked for, and the engine finds no room; `note` has its sentence
  kStopping,   ///< asked to stop, within its grace period
};

inline constexpr std::string_view to_string(ReplicaState s) {
  switch (s) {
    case ReplicaState::kStarting:
      return "starting";
    case ReplicaState::kReady:
      return "ready";
    case ReplicaState::kFailing:
      return "failing";
    case ReplicaState::kNotPlaced:
      return "not_placed";
    case ReplicaState::kStopping:
      return "stopping";
  }
  return "?";
}

/// Ends with 0 in a row, from which on one that is never ready looks wrong: it does nothing, or goes to the background.
inline constexpr int kAtOnceOften = 3;

struct Replica {
  std::string id;         ///< unique within the service for as long as the replica lives
  std::int64_t pid = 0;   ///< process group leader on this host; 0 where there is none
  std::string container;  ///< container id; empty where there is none
  std::string node;       ///< the machine that it is on; empty where there is only one, or none yet
  ReplicaState state = ReplicaState::kStarting;
  Time since{};      ///< when it entered this state
  int restarts = 0;  ///< times it was restarted after a crash
  int at_once = 0;   ///< ends with 0 in a row, each before it was ready
  std::string note;  ///< for status: "exit code 1, next start in 4s"
};

inline bool all_end_at_once(const std::vector<Replica>& replicas) {
  bool any = false;
  for (const auto& r : replicas) {
    if (r.state == ReplicaState::kStopping) continue;
    if (r.at_once < kAtOnceOften) return false;
    any = true;
  }
  return any;
}

/// current = all but stopping; see ReplicaCounts.
inline ReplicaCounts count(const std::vector<Replica>& replicas) {
  ReplicaCounts c;
  for (const auto& r : replicas) {
    if (r.state == ReplicaState::kStopping) continue;
    ++c.current;
    c.ready += r.state == ReplicaState::kReady;
    c.failing += r.state == ReplicaState::kFailing;
    c.not_placed += r.state == ReplicaState::kNotPlaced;
  }
  return c;
}

}  // namespace docktor
