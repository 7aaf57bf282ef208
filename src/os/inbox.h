// The queue through which other threads reach one that owns state.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace docktor {

/// Thread-safe. Outlives the thread that takes where somebody (a callback of a library) still holds it.
class Inbox {
 public:
  using Event = std::function<void()>;
  using SteadyTime = std::chrono::steady_clock::time_point;

  explicit Inbox(std::size_t most = SIZE_MAX) : most_(most) {}

  /// False, and the event is dropped, when the queue is full or closed.
  bool push(Event event) { return push(events_, std::move(event)); }

  /// Ahead of all that push() brought: a person waits for the answer.
  bool push_first(Event event) { return push(first_, std::move(event)); }

  /// Waits until `until` for an event, then hands out at most `most`, in order; the rest waits. At once when it
  /// is closed.
  std::deque<Event> take(SteadyTime until, std::size_t most = SIZE_MAX) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return !events_.empty() || !first_.empty() || closed_; };
    if (until == SteadyTime::max())
      ready_.wait(lock, ready);
    else
      ready_.wait_until(lock, until, ready);
    std::deque<Event> out = std::exchange(first_, {});
    if (out.empty() && events_.size() <= most) {
      out.swap(events_);
      return out;
    }
    while (!events_.empty() && out.size() < most) {
      out.push_back(std::move(events_.front()));
      events_.pop_front();
    }
    return out;
  }

  /// No event is accepted any more. Those that wait can still be taken.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  /// Closes it; those that wait are destroyed here.
  void close_and_drop() {
    close();
    std::deque<Event> dropped, dropped_first;  // destroyed without the lock
    const std::scoped_lock lock(mutex_);
    dropped.swap(events_);
    dropped_first.swap(first_);
  }

  bool closed() const {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }

 private:
  bool push(std::deque<Event>& events, Event event) {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_ || events.size() >= most_) return false;
      events.push_back(std::move(event));
    }
    ready_.notify_one();
    return true;
  }

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Event> events_, first_;
  bool closed_ = false;
};

}  // namespace docktor
