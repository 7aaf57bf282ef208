// How far the work of a steady load may be put off in place of a replica that would be idle half the time.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/time.h"

namespace docktor::objective {

/// What it is asked about. Messages are counted in replica-seconds of work.
struct Deferrable {
  double waiting = 0;  ///< work that waits
  double level = 0;    ///< work that comes in a second: the replicas that it keeps busy
  double error = 0;    ///< its standard error
  double slack =
      0;  ///< seconds that a message may wait beyond what an order and its start take, less what chance takes
  double start = 0;  ///< seconds that a start costs
  int replicas = 0;  ///< now
};

/// A load that keeps 9.5 replicas busy needs ten, one of which is idle half the time, or nine and ten in turn: with nine, what
/// waits grows, and none of it is late as long as it is less than the nine do in the time that a message may wait beyond a
/// start. So a replica may go while little waits, if it will not be needed for several times as long as a start takes.
///
/// The fewest replicas n whose queue grows by no more than fits into the slack s for as long, t, as that takes: waiting +
/// level t <= n (t + s). Never less than the whole replicas that the load keeps busy, nor than one. Nothing where no work can be put off, or
/// too much is already.
std::optional<int> least_with_work_put_off(const Deferrable& load);

/// When that is tried: while the load moves, and not for hours after a replica had to be added again, unless the load is less. A
/// load that stays as it is is left alone. Not thread-safe.
class Tries {
 public:
  bool open(Time now, double level) const;
  /// An order for more or fewer replicas; `put_off`: fewer, because work can be put off.
  void ordered(Time at, bool more, bool put_off, double level);

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  std::optional<Time> changed_, failed_;
  bool under_way_ = false;
  double level_ = 0;  // of the try that failed
};

}  // namespace docktor::objective
