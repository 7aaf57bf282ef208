// How a controller asks a model: who it is, and when to leave it alone.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/adviser.h"
#include "core/spec.h"
#include "core/time.h"

namespace docktor {

/// Who advises, and what he is asked for. Without an adviser nobody is asked.
struct Advising {
  LlmMode mode = LlmMode::kOff;
  std::string provider = "none";
  std::string model;
  Duration timeout = std::chrono::seconds(10);
  Duration max_delay = std::chrono::minutes(1);
  std::shared_ptr<Adviser> adviser;

  bool advises() const { return adviser && mode == LlmMode::kAdvise; }
  bool explains() const { return adviser && mode == LlmMode::kExplain; }
};

/// A model that fails three times in a row is left alone for 30 s, then for twice as long after each failed
/// try, up to 10 minutes. Told the time; not thread-safe.
class AdviceBackoff {
 public:
  static constexpr int kFailures = 3;
  static constexpr Duration kFirst = std::chrono::seconds(30);
  static constexpr Duration kMost = std::chrono::minutes(10);

  bool may_ask(Time now) const { return !until_ || now >= *until_; }
  std::string why() const { return why_; }  ///< of the last failure

  /// Whether this failure begins a back-off that has not been told yet.
  bool failed(Time now, const std::string& why);
  /// Whether it ends one.
  bool answered();

 private:
  int failures_ = 0;
  std::optional<Time> until_;
  std::string why_;
};

}  // namespace docktor
