// How far the work of a steady load may be put off in place of a replica that would be idle half the time.
#pragma once

#include <optional>

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
/// level t <= n (t + s). Never less than the whole replicas that the load keeps busy. Nothing where no work can be put off, or
/// too much is already.
std::optional<int> least_with_work_put_off(const Deferrable& load);

}  // namespace docktor::objective
