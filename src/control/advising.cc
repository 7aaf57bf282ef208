#include "control/advising.h"

#include <algorithm>

namespace docktor {

bool AdviceBackoff::failed(Time now, const std::string& why) {
  why_ = why;
  if (++failures_ < kFailures) return false;
  const int doublings = std::min(failures_ - kFailures, 10);
  until_ = now + std::min<Duration>(kMost, kFirst * (1 << doublings));
  return failures_ == kFailures;
}

bool AdviceBackoff::answered() {
  const bool was_away = until_.has_value();
  failures_ = 0;
  until_.reset();
  why_.clear();
  return was_away;
}

}  // namespace docktor
