// One replica of the process target, as its pool keeps it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/replica.h"
#include "core/time.h"
#include "os/fd.h"
#include "os/proc.h"
#include "targets/process/process_output.h"

namespace docktor {

/// Plain data; the pool acts on it.
///
///     waiting ──start──▶ running ──its first process ended──▶ leaving ──nothing left of it──▶ waiting or gone
///
/// `stopping` goes beside: a stopping replica is never started again.
struct ProcessReplica {
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Phase {
    kWaiting,  ///< no process; starts at `deadline`
    kRunning,  ///< its first process lives; at `deadline` it is ready, or killed when stopping
    kLeaving,  ///< its first process ended, others of it live on; they are killed at `deadline`
  };

  int number = 0;  ///< of its id
  std::string id;
  std::uint64_t order = 0;  ///< newer ones have larger ones
  Phase phase = Phase::kWaiting;
  bool stopping = false;
  bool killed = false;  ///< SIGKILL was sent

  // Its process, while running or leaving.
  std::string token;
  std::string fingerprint;
  ProcessIdentity process;
  Fd pidfd;
  bool group_is_own = true;     ///< the process leads the group of its number
  bool zombie_is_ours = false;  ///< leaving: not waited for yet, which keeps its number from anybody else
  bool ready = false;           ///< said so, or ran for ready_after where replicas do not say
  bool says_ready = false;      ///< it said READY=1
  std::string status;           ///< what it said last of itself
  std::optional<bool> busy;     ///< likewise
  TimePoint started{};
  std::vector<Fd> left;                     ///< leaving: some of what is waited for
  std::vector<ProcessIdentity> terminated;  ///< leaving: what had its SIGTERM
  std::optional<TimePoint> look_again;      ///< leaving: whether something is left
  Duration ran{};                           ///< leaving: how long the first process lived
  bool told_left = false;                   ///< leaving: `ended` says that something was left
  ProcessOutput output;

  std::optional<TimePoint> deadline;
  Time since{};
  bool finished = false;  ///< its last process ended by itself with 0: so many jobs, and a fresh one
  bool proven = false;    ///< finished, after it had been ready: the next process is as good from its start
  int failures = 0;       ///< exits at once, in a row
  int at_once = 0;        ///< ends with 0 before it was ready, in a row
  int restarts = 0;
  std::string ended;  ///< how it last ended: "exit code 1 after 0.1s"

  ReplicaState state() const {
    if (stopping) return ReplicaState::kStopping;
    if (proven) return ReplicaState::kReady;
    if (phase != Phase::kRunning) return finished ? ReplicaState::kStarting : ReplicaState::kFailing;
    if (ready) return ReplicaState::kReady;
    return failures > 0 ? ReplicaState::kFailing : ReplicaState::kStarting;
  }
  bool has_process() const { return phase != Phase::kWaiting; }
};

}  // namespace docktor
