// What docktor knows of one Compose service: its replicas, what docktor ordered itself, and what somebody
// else did.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/killed_stops.h"
#include "core/replica.h"
#include "core/target.h"
#include "core/time.h"
#include "docker/container.h"
#include "docker/events.h"
#include "targets/compose/compose_tracked.h"

namespace docktor {

/// Pure: no I/O, no thread, no clock. Fed with lists of containers and events, it says which replicas there
/// are and what changed by somebody else's hand.
///
/// Somebody else's change is accepted when it has settled (ComposeCare::settle without a further event):
/// `docker compose up` replaces containers one by one, and a count taken in the midst of it would be acted
/// upon. Until then report() keeps the replicas it showed and says so in `problem`.
///
/// A container that ended without having been told to, and that Docker does not start again, has ended by
/// itself, whatever its exit code: it stays a replica until docktor has started it again, failing where it
/// crashed. One that somebody told to end (kill, stop) is no replica any more.
class ComposeService {
 public:
  ComposeService(std::string service, Duration ready_after, ComposeCare care)
      : service_(std::move(service)), ready_after_(ready_after), care_(care) {}

  /// What an earlier run left: whom it was stopping, how many replicas there were, and whether a person had
  /// stopped it.
  void restore(std::set<std::string> stopping, std::optional<int> replicas, std::string stopped_by_hand);

  /// The service's containers as they are now (inspected, one-offs left out).
  void update(const std::vector<Container>& containers, Time now);
  void on_event(const ContainerEvent& event, Time now);
  /// Events may have been missed. A shutdown of the engine tells containers to end, too: that is nobody's
  /// hand.
  void on_gap(Time now);
  /// The engine did not answer since `away_since`, and does again: what it ended in going, or failed to start
  /// again in coming, nobody's hand has ended. Docker has ComposeCare::engine_restarts to start it by its
  /// restart policy.
  void on_return(Time away_since, Time now);

  // What docktor does itself; told before the next update.
  void created(const std::string& id, Time now);
  void started(const std::string& id);
  void forget(const std::string& id);
  void stopping(const std::string& id, Time now);
  /// Its start failed and is not tried again.
  void not_started(const std::string& id);
  /// Before the first update: what the engine remembers of containers that had ended by then. Those that died
  /// and were not told to have ended by themselves while docktor was away.
  void remember(const std::vector<ContainerEvent>& events);
  /// Compose has made containers and waits for what they depend on before it starts them.
  void compose_waits(bool waits) { compose_waits_ = waits; }
  void resume() { stopped_by_hand_.clear(); }

  /// How many replicas there were before somebody replaced them by fewer, told once; 0: nobody did.
  int take_replaced() { return std::exchange(replaced_, 0); }

  std::vector<Replica> replicas(Time now) const;  ///< oldest first
  const std::string& stopped_by_hand() const { return stopped_by_hand_; }
  /// Not empty while somebody's change has not settled.
  const std::string& unrest() const { return unrest_; }
  std::vector<std::string> take_news();

  /// When update() would say something new without any event: a replica becomes ready, a change has settled.
  std::optional<Time> next_change(Time now) const;

  void start_failed(const std::string& id, Time now);

  /// Somebody told a container to end just now: a person, or an engine that shuts down.
  bool told_just_now(Time now) const;

  const TrackedContainers& containers() const { return tracked_; }
  const Container* find(const std::string& id) const;
  ReplicaState state_of(const TrackedContainer& t, Time now) const;
  const std::string& killed() const { return killed_stops_.text(); }  ///< TargetReport::killed
  int count(Time now) const;                                          ///< replicas that are not stopping

 private:
  void take(TrackedContainer& t, const Container& c, Time now, bool first);
  void ended(TrackedContainer& t, Time now);
  void crashed(TrackedContainer& t, Time now);
  bool in_the_making(TrackedContainer& t, Time now);
  std::vector<Replica> fresh(Time now) const;
  void adopt(const std::vector<Replica>& there);
  void settle(const std::vector<Replica>& there, bool compose_at_work, Time now);
  void accept(const std::vector<Replica>& there, Time now);
  void come_alive(int count);
  void news(std::string text);

  std::string service_;
  KilledStops killed_stops_;
  Duration ready_after_;
  ComposeCare care_;
  TrackedContainers tracked_;
  std::set<std::string> old_stopping_;  // of an earlier run
  std::set<std::string> died_alone_;    // before the first update
  bool compose_waits_ = false;
  std::optional<int> old_replicas_;
  bool first_ = true;
  std::string stopped_by_hand_;
  Time stopped_at_{};                // when that began, in this run
  std::optional<Time> returned_at_;  // the engine, the last time
  int replaced_ = 0;                 // see take_replaced()
  std::string unrest_;
  std::optional<Time> unrest_since_;
  Time last_hand_{};  // somebody's last event
  std::vector<Replica> shown_;
  std::vector<std::string> news_;
};

/// "scaled to 0 outside docktor at 14:30" in local time.
std::string stopped_text(Time at);

}  // namespace docktor
