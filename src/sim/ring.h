// A first-in-first-out queue in one growing array: what std::deque does, without its chunks.
#pragma once

#include <cstddef>
#include <vector>

namespace docktor::sim {

template <class T>
class Ring {
 public:
  Ring() : items_(16) {}
  bool empty() const { return head_ == tail_; }
  std::size_t size() const { return tail_ - head_; }
  const T& front() const { return items_[head_ & (items_.size() - 1)]; }

  void push(const T& item) {
    if (size() == items_.size()) grow();
    items_[tail_++ & (items_.size() - 1)] = item;
  }
  T pop() { return items_[head_++ & (items_.size() - 1)]; }

 private:
  void grow() {
    std::vector<T> larger(items_.size() * 2);
    std::size_t n = 0;
    for (std::size_t i = head_; i != tail_; ++i) larger[n++] = items_[i & (items_.size() - 1)];
    items_ = std::move(larger);
    head_ = 0;
    tail_ = n;
  }
  std::vector<T> items_;  // size is a power of two
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace docktor::sim
