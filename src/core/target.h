// The Target seam: where replicas live. Reports them, starts and stops them.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/finding.h"
#include "core/replica.h"
#include "core/result.h"

namespace docktor {

/// More replicas than this cannot run, whatever is ordered.
struct ReplicaBound {
  int most = 1;
  std::string why;  ///< with what to do about it: "host port 8080 is fixed: ...; in service web, ..."
  friend bool operator==(const ReplicaBound&, const ReplicaBound&) = default;
};

struct TargetReport {
  std::vector<Replica> replicas;  ///< oldest first
  /// How many the engine was told to have, where it keeps that number itself and the list of replicas lags
  /// behind it or never reaches it. Absent: the list counts.
  std::optional<int> desired;
  std::string hold;  ///< not empty: why an order would do harm now ("a roll-out is under way since 14:02")
  /// Of the state that this report shows, opaque; it goes with the decision into the order. Empty: none.
  std::string version;
  std::optional<ReplicaBound> bound;
  std::optional<Duration> grace;  ///< that a replica is given to end; absent where it is not known
  std::string killed;             ///< not empty: the last stop ended in SIGKILL; says so, with the cure
  std::string stopped_by_hand;    ///< not empty: a person stopped the service; "stopped by hand at 14:30"
  std::string
      problem;  ///< not empty: the target cannot be reached or read; the replicas are the last ones known
  std::vector<std::string>
      news;  ///< since the last report: what somebody else did, crashes, adoptions; for log and journal
};

struct ScaleOrder {
  int replicas = 0;                        ///< how many there shall be, those that are starting included
  std::map<std::string, double> busyness;  ///< CPU by replica id, where sampled: the least busy stop first
  /// Of the report that the decision rests on. Where the state is another by now the target does nothing and
  /// answers kConflict: the controller decides anew.
  std::string version;
};

/// How many replicas a report shows; see ReplicaCounts.
inline ReplicaCounts count(const TargetReport& report) {
  ReplicaCounts c = count(report.replicas);
  if (!report.desired) return c;
  c.current = *report.desired;
  c.ready = std::min(c.ready, c.current);
  c.failing = std::min(c.failing, c.current);
  c.not_placed = std::min(c.not_placed, c.current);
  return c;
}

/// "2 replicas wait for room: insufficient memory on 3 nodes"; empty where all are placed.
std::string not_placed_text(const std::vector<Replica>& replicas);

/// Thread-safe. A target never blocks its caller. It touches only its own service, adopts the replicas that
/// run when it is made, where it chooses which ones stop, it takes
/// those of victims() (core/victims.h), and gives each its grace period.
class Target {
 public:
  virtual ~Target() = default;

  /// Starts or stops replicas. `done` is called exactly once, when starts were made and stops were ordered
  /// (not when the grace periods are over), with a sentence on what was done ("started 2: ...") or the error.
  /// A new order supersedes one that is still under way.
  virtual void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) = 0;

  /// The present state, at once, from what the target watches by itself. News are handed out once.
  virtual TargetReport report() = 0;

  /// A person wants replicas (`docktor resume`, `docktor scale`): forgets that the service was stopped by hand, and ends a
  /// pause before the next start.
  virtual void resume() {}

  /// For `config validate`: looks at the world (blocking) and tells what it found.
  virtual std::vector<Finding> check() = 0;
};

}  // namespace docktor
