// The simulator's agenda: events by time, earliest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace docktor::sim {

struct Event {
  double at = 0;
  std::uint32_t slot = 0;
  std::uint32_t tag = 0;  ///< what happens, and to which incarnation of the slot (see Pool)
};

/// A binary heap by hand, for one operation that the standard one lacks: a worker that goes on to its next
/// message replaces its own event at the top, which costs one sift instead of two. Ties fall in no particular
/// but a deterministic order.
class EventHeap {
 public:
  bool empty() const { return events_.empty(); }
  const Event& top() const { return events_.front(); }

  void push(Event e) {
    std::size_t i = events_.size();
    events_.push_back(e);
    while (i > 0) {
      const std::size_t parent = (i - 1) / 2;
      if (events_[parent].at <= e.at) break;
      events_[i] = events_[parent];
      i = parent;
    }
    events_[i] = e;
  }

  void pop() {
    const Event last = events_.back();
    events_.pop_back();
    if (!events_.empty()) replace_top(last);
  }

  void replace_top(Event e) {
    const std::size_t size = events_.size();
    std::size_t i = 0;
    for (std::size_t child = 1; child < size; child = 2 * i + 1) {
      if (child + 1 < size && events_[child + 1].at < events_[child].at) ++child;
      if (e.at <= events_[child].at) break;
      events_[i] = events_[child];
      i = child;
    }
    events_[i] = e;
  }

 private:
  std::vector<Event> events_;
};

}  // namespace docktor::sim
