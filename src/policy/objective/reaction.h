// What the objective policy learns of its own eyes: how late it sees what happens.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "core/time.h"

namespace docktor::objective {

/// What happens just after one sample is known at the decision that rests on the next. Where samples come at
/// once that is one check interval; where they are late or lost it is more, and varies. Mean plus a standard
/// deviation, over the last decisions. Not thread-safe.
class Reaction {
 public:
  /// `check`: seconds between decisions. `most`: no single gap counts for more (a queue that was away for an
  /// hour says nothing of the next).
  Reaction(double check, double most) : mean_(check), most_(most) {}

  /// A decision at `now` rests on the sample of that instant. The same sample twice is no news.
  void decided(Time now, Time sample);

  double seconds() const;

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  double mean_;
  double most_;
  double variance_ = 0;
  double seen_ = 0;  // capped
  std::optional<Time> sample_;
};

}  // namespace docktor::objective
