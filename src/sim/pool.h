// A simulated queue with its workers, message by message: arrivals, starts, work, graceful stops, crashes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/sample.h"
#include "sim/event_heap.h"
#include "sim/load.h"
#include "sim/random.h"
#include "sim/ring.h"
#include "sim/waits.h"
#include "sim/world.h"

namespace docktor::sim {

/// How many replicas there were from an instant on.
struct PoolChange {
  double at = 0;
  int current = 0;  ///< asked for and not stopping
  int ready = 0;
  int alive = 0;  ///< ready, starting and stopping ones: what is paid for
};

/// Messages are begun first come, first served. A worker keeps `prefetch` pulls open less the messages in its
/// hand; the pull that was opened first gets the next message, as with JetStream. One that fetches takes what
/// waits, up to `fetch`, when its hand is empty; one that polls sleeps when it has found nothing. A stopped
/// replica finishes what it has in hand; among those to stop, the newest that is still starting goes first,
/// then an idle one, then the newest. "Ready" is what the target says; a worker may be able to work earlier
/// or later (WorkerSpec). Deterministic in (world, load, seed, orders). Time is in seconds from the load's
/// beginning. Not thread-safe.
class Pool {
 public:
  /// `replicas` are ready at 0. `limit`: the wait that is counted as too long. The load must outlive the
  /// pool.
  Pool(const World& world, const Load& load, std::uint64_t seed, int replicas, double limit);

  /// Lets everything happen up to and at `until`.
  void advance(double until);

  /// Orders that there be `replicas`; at the time of the last advance().
  void scale(int replicas);

  /// The queue's counters at the time of the last advance(), as JetStream would tell them.
  QueueSample sample() const;
  ReplicaCounts counts() const { return {current_, told_ready_, 0}; }

  /// The consumer was made anew: its counters begin at 0.
  void reset_counters();

  /// No message will come any more and none is left.
  bool finished() const;

  const Waits& waits() const { return waits_; }
  /// Counts the messages that nobody has begun as having waited until now: the end of a run that left some
  /// behind.
  void count_abandoned();

  /// Waits of the messages begun since the last call; only after keep_recent().
  Waits take_recent();
  void keep_recent() { keep_recent_ = true; }

  double service_sum() const { return service_sum_; }  ///< seconds of work begun so far
  std::uint64_t arrived() const { return arrived_; }
  std::uint64_t begun() const { return waits_.count(); }
  int starts() const { return starts_; }
  int stops() const { return stops_; }
  const std::vector<PoolChange>& changes() const { return changes_; }

 private:
  enum class State : std::uint8_t { kGone, kStarting, kAble };
  enum Kind : std::uint32_t { kDone, kAbleNow, kCrash, kAgain, kTold, kPoll };
  static constexpr std::uint32_t kKindBits = 3;
  static constexpr std::uint32_t kLifeMask = 0xffffffffu >> kKindBits;

  struct Message {
    double arrival = 0;
    std::uint64_t index = 0;
    bool again = false;  // delivered before
    bool begun = false;  // its wait was counted
  };
  struct Slot {
    State state = State::kGone;
    bool stopping = false;
    bool told = false;  // the target calls it ready
    double able_at = 0;
    std::uint32_t life = 0;   // counts incarnations: events and pulls of an earlier one are void
    int in_hand = 0;          // the one that is worked on included
    double speed = 1;         // factor on service times
    std::uint64_t order = 0;  // larger is newer
    Message working;
    Ring<Message> local;  // prefetched
  };
  struct Pull {
    std::uint32_t slot = 0;
    std::uint32_t life = 0;
  };

  void arrive();
  void become_visible();
  void serve_pulls();
  void handle(const Event& e);
  void done(const Event& e);
  void poll(std::uint32_t slot);
  void take_or_wait(std::uint32_t slot);
  void crash(std::uint32_t slot);
  void start_one();
  void stop_one();
  void launch(std::uint32_t slot);
  void leave(std::uint32_t slot);
  void open_pull(std::uint32_t slot);
  bool next_message(Message& out);
  void deliver(std::uint32_t slot, const Message& m);
  double begin(std::uint32_t slot, const Message& m);
  void note();
  static std::uint32_t tag(Kind kind, const Slot& s) {
    return static_cast<std::uint32_t>(kind) | (s.life << kKindBits);
  }
  std::uint64_t pulls_of(const Slot& s) const;

  WorkerSpec worker_;
  FaultSpec faults_;
  Arrivals arrivals_;
  Stream service_, startup_, speed_, fault_;
  double log_mean_ = 0, log_sd_ = 0;

  double now_ = 0;
  double next_arrival_ = 0;
  EventHeap events_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  Ring<Message> unseen_;  // came, and can be taken only `seen_late` after that
  Ring<Message> queue_;
  Ring<Message> again_;  // fell due for redelivery
  Ring<Pull> pulls_;
  std::vector<Message> lost_;  // in dead hands until ack_wait; kAgain events index into it

  int current_ = 0, told_ready_ = 0, alive_ = 0, busy_ = 0;
  std::uint64_t open_pulls_ = 0;
  std::uint64_t arrived_ = 0, first_deliveries_ = 0, deliveries_ = 0, in_hand_ = 0, dead_hands_ = 0;
  std::uint64_t delivery_base_ = 0;
  int incarnation_ = 0;
  int starts_ = 0, stops_ = 0;
  std::uint64_t launches_ = 0;
  double service_sum_ = 0;
  Waits waits_;
  Waits recent_;
  bool keep_recent_ = false;
  std::vector<PoolChange> changes_;
};

}  // namespace docktor::sim
