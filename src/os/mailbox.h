// What other threads hand to the loop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace docktor {

/// Thread-safe. Outlives the loop where a callback still holds it; what is posted then is dropped with it.
class Mailbox {
 public:
  using Letter = std::function<void()>;

  void post(Letter letter) {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
    wake_.notify_one();
  }

  /// The first reason counts.
  void request_stop(const char* why) {
    const std::lock_guard lock(mutex_);
    if (!stop_) why_ = why;
    stop_ = true;
    wake_.notify_one();
  }
  bool stop_requested() const {
    const std::lock_guard lock(mutex_);
    return stop_;
  }
  std::string why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

  /// What was posted, as soon as there is anything; nothing when `until` has come, or (with `heed_stop`) a
  /// stop was requested.
  std::vector<Letter> take(std::chrono::steady_clock::time_point until, bool heed_stop) {
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, until, [&] { return !letters_.empty() || (heed_stop && stop_); });
    return std::exchange(letters_, {});
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Letter> letters_;
  bool stop_ = false;
  std::string why_;
};

}  // namespace docktor
