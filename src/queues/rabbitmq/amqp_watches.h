// Queues that are looked at several times a second until they have messages.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/time.h"
#include "queues/rabbitmq/amqp_channel.h"

namespace docktor {

/// Thread-safe. Outlives the requests that it made.
class AmqpWatches {
 public:
  using Id = std::uint64_t;
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// `fired` is called once, when the queue has messages, and forgotten.
  Id add(const std::string& queue, std::function<void()> fired);
  void remove(Id id);

  bool empty() const;
  /// How often each is looked at: more rarely where there are many.
  Duration interval() const;
  /// When one is due.
  SteadyTime next_look() const;
  /// Questions about those that are due, to be answered by `deadline`.
  std::vector<AmqpRequestPtr> due(SteadyTime now, SteadyTime deadline);

 private:
  struct Watch {
    std::string queue;
    std::function<void()> fired;
    SteadyTime next{};
  };
  Duration interval_of_all() const;  // mutex_ is held
  void look_at(Id id, SteadyTime when);
  void looked(Id id, const Result<Declared>& d);

  mutable std::mutex mutex_;
  std::map<Id, Watch> watches_;
  std::set<std::pair<SteadyTime, Id>> looks_;  // of those that nobody asks about now
  Id last_ = 0;
  SteadyTime next_look_ = SteadyTime::max();
};

}  // namespace docktor
