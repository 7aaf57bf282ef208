#include "control/advising.h"

#include "core/pause.h"

namespace docktor {

bool AdviceBackoff::failed(Time now, const std::string& why) {
  why_ = why;
  if (++failures_ < kFailures) return false;
  until_ = now + pause_after(failures_ - kFailures + 1, kFirst, kMost);
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
