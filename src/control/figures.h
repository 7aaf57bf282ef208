// What a service is and did, as plain figures for other threads: metrics, page, API. The loop publishes, others
// read; nobody waits for anybody.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/history.h"
#include "control/wait_meter.h"
#include "core/condition.h"
#include "core/decision.h"
#include "core/lease_term.h"
#include "core/observation.h"
#include "core/replica.h"

namespace docktor {

/// The names of all limits (core/limits.h), for counters that stand at 0 from the start.
inline constexpr std::array<std::string_view, 29> kLimitNames{"stopped_by_hand",
                                                              "problem",
                                                              "target_hold",
                                                              "min_replicas",
                                                              "max_replicas",
                                                              "held",
                                                              "freshness",
                                                              "reset",
                                                              "paused",
                                                              "work_left",
                                                              "gap",
                                                              "starting",
                                                              "failing",
                                                              "not_placed",
                                                              "useful_replicas",
                                                              "scale_up_by",
                                                              "scale_down_by",
                                                              "stabilization",
                                                              "cooldown_up",
                                                              "cooldown_down",
                                                              "rebalance",
                                                              "advice",
                                                              "host_memory",
                                                              "host_cpu",
                                                              "max_total_replicas",
                                                              "unfit_for_zero",
                                                              "approval",
                                                              "wake",
                                                              "other"};
inline constexpr std::array<std::string_view, 5> kOutcomes{"done", "failed", "superseded", "dry_run",
                                                           "conflict"};
inline constexpr std::array<double, 5> kDelayBuckets{.001, .01, .1, 1, 10};
inline constexpr std::array<double, 5> kOrderBuckets{.01, .1, 1, 5, 30};

/// Counts of values by upper bounds, not cumulative; the last is beyond the last bound.
template <std::size_t N>
struct Histogram {
  std::array<std::uint64_t, N + 1> counts{};
  double sum = 0;
  void put(const std::array<double, N>& bounds, double v) {
    std::size_t i = 0;
    while (i < N && v > bounds[i]) ++i;
    ++counts[i];
    sum += v;
  }
};

/// Counters of one service, from 0 when docktor starts. Of the loop thread.
struct Tally {
  WaitTotals waits;
  double arrivals = 0;
  double settled = 0;
  std::optional<double> dead_seen;  ///< as the queue last told it
  double dead = 0;          ///< given up since docktor began to watch; what the queue tells may go back
  double settled_most = 0;  ///< of `settled`, which may go back for a sample; what is told never does
  std::array<std::uint64_t, 3> decisions{};  ///< by Action
  std::array<std::uint64_t, kOutcomes.size()> orders{};
  std::array<std::uint64_t, kLimitNames.size()> limits{};
  std::array<std::uint64_t, 5> verdicts{};  ///< by Verdict
  std::uint64_t wakes = 0, starts = 0, stops = 0, restarts = 0;
  std::uint64_t queue_reads = 0, queue_failures = 0, usage_reads = 0, usage_failures = 0;
  Histogram<kOrderBuckets.size()> order_seconds;
  std::optional<Time> last_change;  ///< of the number of replicas, whoever made it
  int last_current = -1;

  /// `before` and `now`: the target's replicas as last told, and as told now. What is told of one for the first time, at docktor's
  /// start, after a reload, or when an engine answers again, may have happened long ago: it counts from then on.
  void replicas_told(std::span<const Replica> before, std::span<const Replica> now);
  void sampled(const Observation& seen, WaitMeter& meter);
  void decided(const Decision& d);
  void ordered(const std::string& outcome, int from, int to, double seconds);
};

/// One service at one instant; immutable once published.
struct ServiceFigures {
  std::string name, queue, target, policy;
  Time at{};
  Duration by_wall{};  ///< so much later do clocks on the wall show a time than it is
  ReplicaCounts counts;
  int starting = 0, stopping = 0, wanted = 0;
  Bounds bounds;
  Observation latest;  ///< the newest sample
  std::shared_ptr<const Decision> decision;
  std::string decision_id, outcome;
  std::string why;        ///< nothing happens; empty when something does
  std::string not_ready;  ///< empty when queue and target answered
  Holdings holdings;
  std::size_t proposals = 0;
  bool oldest_is_guess = false;  ///< see core/guess.h
  std::optional<double> oldest_wait;
  std::optional<double> max_wait, quantile;  ///< of an objective
  Duration check_interval{};
  Tally tally;
};
using ServiceFiguresPtr = std::shared_ptr<const ServiceFigures>;

/// Of the daemon.
struct DaemonFigures {
  std::uint64_t journal_records = 0, journal_failures = 0, save_failures = 0;
  Histogram<kDelayBuckets.size()> delays;  ///< how late evaluations were
  std::optional<LeaseStanding> lease;      ///< where several docktors share the services
};

/// A decision that changed something, or was to.
struct DecisionNote {
  std::uint64_t number = 0;  ///< of all decisions, without a gap
  std::string service, id, reason, outcome;
  Time at{};
  Action action = Action::kHold;
  int from = 0, to = 0;
};

/// Thread-safe: the loop publishes, others read. Every call is short.
class Board {
 public:
  static constexpr auto kFine = std::chrono::seconds(5);
  static constexpr auto kCoarse = std::chrono::minutes(1);
  static constexpr std::size_t kFinePoints = 720;     ///< an hour
  static constexpr std::size_t kCoarsePoints = 1440;  ///< a day
  static constexpr std::size_t kMostNotes = 512;

  explicit Board(Time began) : began_(began) { turned(); }

  void publish(ServiceFiguresPtr figures);
  /// The services that there are, in the configuration's order; what was published of others is forgotten.
  void keep(const std::vector<std::string>& names);
  void note(DecisionNote note);
  void publish(const DaemonFigures& figures);
  void turned() { turned_.store(std::chrono::steady_clock::now().time_since_epoch().count()); }

  /// In the configuration's order; services without a sample yet are in it.
  std::vector<ServiceFiguresPtr> services() const;
  ServiceFiguresPtr service(const std::string& name) const;  ///< nullptr when there is no such
  DaemonFigures daemon() const;
  /// Notes whose number is above `after`, oldest first.
  std::vector<DecisionNote> notes(std::uint64_t after) const;
  std::uint64_t last_note() const;
  /// Seconds since the loop last turned.
  double idle() const;
  /// Points of that time, oldest first: the fine ones where they reach back to `from`, else the coarse ones.
  std::vector<HistoryPoint> history(const std::string& name, Time from, Time to) const;
  Time began() const { return began_; }

 private:
  struct Entry {
    ServiceFiguresPtr figures;
    History fine{kFine, kFinePoints}, coarse{kCoarse, kCoarsePoints};
  };
  const Time began_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> names_;
  DaemonFigures daemon_;
  std::deque<DecisionNote> notes_;
  std::uint64_t next_note_ = 1;
  std::atomic<std::chrono::steady_clock::rep> turned_{0};
};

}  // namespace docktor
