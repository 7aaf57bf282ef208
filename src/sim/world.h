// What the simulated world is like: the workers, how they start, and what goes wrong.
#pragma once

#include "sim/load.h"

namespace docktor::sim {

/// The workers. Times in seconds.
struct WorkerSpec {
  double service_mean = 0.05;  ///< seconds of work per message; 1 / capacity
  double service_cv = 0.3;   ///< standard deviation over mean; 0 = constant, 1 = exponential, else log-normal
  double startup_mean = 3;   ///< from order to able to work
  double startup_sd = 0.75;  ///< normal, cut off at a quarter of the mean
  int prefetch = 1;          ///< messages that one worker holds at most; the others wait in its hand
  int fetch = 1;             ///< messages that it takes at once when its hand is empty, if so many wait
  double poll = 0;           ///< seconds that it sleeps after it has found no message; 0: it is woken
  double seen_late = 0;      ///< seconds until a message that came can be taken by anybody
  double warm_up = 0;        ///< seconds after its start in which work takes twice as long
  double ready_late = 0;     ///< seconds that it works before it counts as ready
  double ready_early = 0;    ///< seconds that it counts as ready before it is able to work
  double speed_cv =
      0;  ///< how much replicas differ: a replica's service times are scaled by a log-normal factor
  double drift = 0;            ///< service times swell by this share and shrink again (a sine) ...
  double drift_period = 3600;  ///< ... within this many seconds
  int bottleneck =
      0;  ///< more than 0: beyond so many busy workers the work per message grows in proportion ...
  double bottleneck_until = 1e18;  ///< ... until this second
};

/// What goes wrong, each by chance, drawn by index.
struct FaultSpec {
  double lose_sample = 0;          ///< chance that a sample is never taken
  double sample_delay = 0;         ///< seconds until a sample arrives
  double sample_delay_jitter = 0;  ///< plus up to so many, evenly drawn
  double crash_per_hour = 0;  ///< per replica: it dies, and what it had in hand comes again after ack_wait
  double ack_wait = 30;
  double reset_per_hour = 0;   ///< the consumer is made anew: counters begin at 0
  double blackout_at = -1;     ///< from this second on, no samples ...
  double blackout_length = 0;  ///< ... for so long
  double fail_start = 0;       ///< chance that a start takes twice as long (the first attempt died)
};

struct World {
  bool counts = true;  ///< the queue counts what comes and what is done; else it tells gauges alone
  WorkerSpec worker;
  FaultSpec faults;
  ArrivalSpec arrivals;
};

}  // namespace docktor::sim
