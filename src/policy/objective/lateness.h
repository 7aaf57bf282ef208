// How often a message that the headroom did not foresee is late after all.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "policy/objective/arrivals.h"

namespace docktor::objective {

/// Many messages that come as surprises (surprise.h) are in time all the same: hands that are free by chance, or still there
/// from the burst before, take them. Let surprises beyond the headroom be a share T of all messages, and late messages a
/// share L. Then a surprise beyond the headroom is late with the chance
///
///     c = (L + c₀ a) / (T + a),
///
/// which is the mean of a beta distribution whose prior has the mean c₀ and the weight a. For no more
/// than a share s of all messages to be late, headroom must cover all but a share s / c of them. Where messages are late for another reason, c goes to 1, and the
/// headroom to what the surprises alone ask for. Forgotten over hours, like the surprises. Not thread-safe.
class Lateness {
 public:
  /// `came` messages within `length` seconds, of which `late` had waited too long when they were begun; `beyond`: they
  /// were more of a surprise than the headroom was for. Counts from the next on, so that nothing rests on the newest sample.
  void add(double came, double late, bool beyond, double length);

  /// That a surprise beyond the headroom is late, where `share` of all messages (more than 0) may be.
  double chance(double share) const;

  /// The share of the messages that may be surprises beyond the headroom so that `share` of them is late: at least that.
  double allowed(double share) const;

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  double came_ = 0, late_ = 0, beyond_ = 0;  // messages, fading
  double next_came_ = 0, next_late_ = 0, next_beyond_ = 0;
};

/// Of the messages in `queued` (oldest first; ages now), the first `begun` were begun within the last `length` seconds,
/// evenly: how many of them had waited longer than `most` seconds.
double late_of(const std::vector<Waiting>& queued, double begun, double length, double most);

}  // namespace docktor::objective
