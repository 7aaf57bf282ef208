// A stop token that is stopped some time after another one: for what should be finished, within bounds, when
// a stop comes in its midst.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "core/time.h"

namespace docktor {

/// Thread-safe; costs a thread while it lives.
class LateStop {
 public:
  LateStop(std::stop_token first, Duration after)
      : timer_([this, first = std::move(first), after](const std::stop_token& done) {
          std::mutex mutex;
          std::condition_variable_any changed;
          const std::stop_callback wake(first, [&] {
            const std::lock_guard lock(mutex);
            changed.notify_all();
          });
          std::unique_lock lock(mutex);
          changed.wait(lock, done, [&] { return first.stop_requested(); });
          changed.wait_for(lock, done, after, [] { return false; });
          if (!done.stop_requested()) source_.request_stop();
        }) {}

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread timer_;  // last: it ends before what it uses
};

/// A token that was stopped already: `LateStop(stopped(), after)` is a deadline.
inline std::stop_token stopped() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

}  // namespace docktor
