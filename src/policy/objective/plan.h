// How many replicas the deadlines ask for: pure arithmetic on what waits, what comes and what is able to work
// when.
#pragma once

#include <array>
#include <vector>

#include "policy/objective/arrivals.h"
#include "policy/objective/warm_up.h"

namespace docktor::objective {

/// Replicas that are starting: how many, and when they will be able to work (three equally likely delays,
/// seconds from now).
struct Cohort {
  int replicas = 0;
  std::array<double, 3> delays{};
};

/// What will have come until `until` seconds from now, from now on.
struct Coming {
  double until = 0;
  double count = 0;
};

/// All that the plan rests on. Seconds are from now on.
struct Outlook {
  double capacity = 0;  ///< messages per second per replica, > 0
  double ready = 0;     ///< replicas able to work now, in worth of full speed
  WarmUp warm_up;       ///< what those that start do at first
  double spread = 0;    ///< variance of settled counts over their mean
  std::vector<Cohort> starting;
  std::array<double, 3> start_up{};  ///< delays of a replica that is ordered now
  double stop = 0;                   ///< seconds for which those that are ready stand still once one is added
  double idle = 0;                   ///< of `ready`, those that have nothing to do
  double in_hand = 0;            ///< messages that workers hold and have not begun: served before the rest
  std::vector<Waiting> waiting;  ///< oldest first
  std::vector<Coming> coming;    ///< in order of time; its end is the horizon
  double patience = 0;           ///< seconds that a message may wait
  double mercy =
      0;  ///< a message that is late already shall begin this long after a new replica could be ready
};

/// The fewest replicas to order now (0 or more) so that each message that waits, and each that comes within
/// the horizon, begins within `patience` of its arrival.
///
/// Work is begun first come, first served, so message number x (counted from the head of the queue) begins
/// when the replicas could have begun x messages: K(t) = capacity × Σ E w(t - ready_i), where w(s) is the
/// full-speed work that one does in its first s seconds, s⁺ where it needs no warm-up. With k more, K(t) + k
/// × capacity × E w(t - start_up). So
///
///     k = max over x of (x - K(d_x)) / (capacity × E w(d_x - start_up))
///
/// and no more than those of the x messages for which there is no empty hand, since a replica begins with one at once: where a
/// job takes longer than a message may wait, that is what counts
///
/// (where an order makes those that are ready stand still for a while, K(t) is less by what they would have begun
/// meanwhile) over the deadlines d_x = patience - age(x) of those that wait, and patience + u for what comes in u
/// seconds.
double replicas_short(const Outlook& outlook);

/// The fewest ready replicas of now that would still meet all deadlines, nothing being ordered: at most
/// `ready`.
double replicas_enough(const Outlook& outlook);

}  // namespace docktor::objective
