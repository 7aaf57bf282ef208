// One container of a Compose service, with what was seen of it and done to it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/replica.h"
#include "core/time.h"
#include "docker/container.h"

namespace docktor {

/// How replicas are looked after. The defaults are for people; tests shorten them.
struct ComposeCare {
  Duration settle = std::chrono::seconds(1);  ///< quiet after somebody's change before it counts as done
  Duration longest_unrest =
      std::chrono::minutes(2);  ///< a change that never settles counts as done after this
  Duration first_backoff =
      std::chrono::milliseconds(500);  ///< before docktor starts a crashed replica again; it doubles
  Duration longest_backoff = std::chrono::seconds(30);
  Duration stable_after = std::chrono::seconds(10);  ///< one that ran this long has its failures forgotten
  Duration list_again = std::chrono::seconds(10);    ///< even without an event
  Duration engine_restarts = std::chrono::seconds(
      10);  ///< that an engine which is back has to start its containers again; then docktor does
  Duration start_backoff =
      std::chrono::seconds(10);  ///< after an added replica never became healthy; doubles to 5 min
};

/// Plain data; ComposeService keeps it.
struct TrackedContainer {
  Container c;
  bool mine = false;  ///< docktor created or started it in this run
  bool stopping = false;
  bool killed = false;   ///< stopping: its grace period is over
  bool over = false;     ///< stopping: it has ended
  bool by_hand = false;  ///< ended because somebody told it to
  Time by_hand_at{};     ///< when that was seen
  bool was_ready = false;
  bool seen = false;                  ///< in the newest list
  std::optional<Time> running_since;  ///< by our clock
  std::optional<Time> told_to_end;    ///< somebody's kill or stop since its last start
  int signalled = 0;                  ///< with this, meant as a word to the worker and not as its end
  bool starting = false;              ///< docktor's start of it is under way
  bool told_of_leftover = false;      ///< that it was created and never started
  int crashes = 0;
  std::optional<Time> next_start;
  ReplicaState state = ReplicaState::kStarting;
  Time since{};

  // Whoever starts it again has his time for it.
  void ended_by_engine(const ComposeCare& care, Time now) {
    next_start = now + (c.restarted_by_docker ? care.engine_restarts : care.first_backoff);
  }
  bool is_replica() const;
  std::string note(Time now) const;
};

/// By id.
using TrackedContainers = std::map<std::string, TrackedContainer>;

/// "out of memory", "exit code 3".
std::string ending_of(const Container& c);

/// Compose starts within moments what it has made, unless it waits for something.
inline constexpr Duration kLeftBehind = std::chrono::seconds(5);
/// A worker that ran this long and ended with 0 has done its share, and is not crashing.
inline constexpr Duration kDoneItsShare = std::chrono::seconds(1);

}  // namespace docktor
