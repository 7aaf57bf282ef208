// The Adviser seam: whoever asks a language model.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/advice.h"
#include "core/spec.h"

namespace docktor {

/// What a model is shown. Records are the journal's; only their harmless fields are used (prompt.h).
struct AdviceQuestion {
  bool down = false;  ///< a scale-down that waits for the answer; else a scale-up that went out
  nlohmann::ordered_json decision;
  std::vector<nlohmann::ordered_json> history;  ///< the service's decisions before it, oldest first
  LimitsSpec bounds;
  Duration check_interval{};
  Duration max_delay{};
};

/// The seam to a model. Thread-safe; never blocks its caller. `done` is called exactly once, from another
/// thread or at once, at the latest shortly after the configured timeout: kUnavailable, kTimeout, kExhausted
/// (too busy) when there is no answer, kInvalid when it makes no sense.
class Adviser {
 public:
  virtual ~Adviser() = default;
  virtual void ask(const AdviceQuestion& question, std::function<void(Result<Advice>)> done) = 0;
  /// One sentence on a decision's recorded numbers, printable.
  virtual void explain(const nlohmann::ordered_json& record,
                       std::function<void(Result<std::string>)> done) = 0;
};

}  // namespace docktor
