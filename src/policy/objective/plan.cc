#include "policy/objective/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace docktor::objective {
namespace {

constexpr double kDeviations = 1.5;
constexpr double kWorthAStop = 0.05;  // of a replica: for less nobody is made to stand still

double work_until(const Outlook& o, double t, const std::array<double, 3>& delays) {
  double sum = 0;
  for (const double d : delays) sum += o.warm_up.worked(t - d);
  return sum / 3;
}

// Calls f(x, deadline) for the message numbers at which the need can be greatest: the ends of each run, that of its part
// with deadlines until `turn` (else a message more, which makes a run longer, would hide those that are late), and steps ahead.
template <class F>
void each_deadline(const Outlook& o, double turn, const F& f) {
  double x = o.in_hand;
  for (const Waiting& w : o.waiting) {
    const double first = o.patience - w.oldest, last = o.patience - w.newest;
    f(x, first);
    if (first < turn && turn < last) f(x + w.count * (turn - first) / (last - first), turn);
    x += w.count;
    f(x, last);
  }
  for (const Coming& c : o.coming) f(x + c.count, o.patience + c.until);
}

// Messages whose work is as much as that of x may be, where it is very uneven.
double with_chance(const Outlook& o, double x) {
  return x + kDeviations * std::sqrt(std::max(0.0, o.spread - 1) * std::max(0.0, x));
}

double starting_work(const Outlook& o, double t) {
  double work = 0;
  for (const Cohort& c : o.starting) work += c.replicas * work_until(o, t, c.delays);
  return work;
}

double short_of(const Outlook& o, double stop) {
  const double middle = (o.start_up[0] + o.start_up[1] + o.start_up[2]) / 3;
  double most = 0, hands = o.idle;
  for (const Cohort& c : o.starting) hands += c.replicas;
  each_deadline(o, middle + o.mercy, [&](double x, double deadline) {
    const double t = std::max(deadline, middle + o.mercy);
    const double missing =
        with_chance(o, x) / o.capacity - o.ready * std::max(0.0, t - stop) - starting_work(o, t);
    if (missing <= 0) return;
    // An empty hand takes a message at once, however long it is at it.
    const double untaken = std::max(0.0, x - o.in_hand - hands);
    most = std::max(most, std::min(missing / work_until(o, t, o.start_up), untaken));
  });
  return most;
}

}  // namespace

double replicas_short(const Outlook& o) {
  const double most = short_of(o, 0);
  return most > kWorthAStop && o.stop > 0 ? short_of(o, o.stop) : most;
}

double replicas_enough(const Outlook& o) {
  double least = 0;
  each_deadline(o, 0, [&](double x, double deadline) {
    if (deadline <= 0) {
      if (x >= 1) least = o.ready;  // late already: no time to do with less
      return;
    }
    least = std::max(least, (x / o.capacity - starting_work(o, deadline)) / deadline);
  });
  return std::min(least, o.ready);
}

}  // namespace docktor::objective
