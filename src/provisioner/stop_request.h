// That a loop is to end, and why.
#pragma once

#include <mutex>
#include <string>

namespace docktor {

/// Thread-safe.
class StopRequest {
 public:
  /// The first reason counts.
  void make(const char* why) {
    const std::lock_guard lock(mutex_);
    if (!made_) why_ = why;
    made_ = true;
  }
  bool made() const {
    const std::lock_guard lock(mutex_);
    return made_;
  }
  std::string why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  mutable std::mutex mutex_;
  bool made_ = false;
  std::string why_;
};

}  // namespace docktor
