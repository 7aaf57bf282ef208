#include "queues/rabbitmq/amqp_watches.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace docktor {
namespace {

using std::chrono::milliseconds;

constexpr Duration kNotThere = std::chrono::seconds(1);
constexpr std::size_t kWatchesAtOnce = 100;  // so many queues are looked at each kWatchInterval
constexpr Duration kWatchInterval = milliseconds(250);
constexpr Duration kLongestWatchInterval = std::chrono::seconds(1);
constexpr Duration kLooksApart = milliseconds(20);  // looks at many queues go out together

}  // namespace

AmqpWatches::Id AmqpWatches::add(const std::string& queue, std::function<void()> fired) {
  const std::lock_guard lock(mutex_);
  watches_.emplace(++last_, Watch{queue, std::move(fired)});
  look_at(last_, std::chrono::steady_clock::now());
  return last_;
}

void AmqpWatches::look_at(Id id, SteadyTime when) {
  watches_.at(id).next = when;
  looks_.emplace(when, id);
  next_look_ = std::min(next_look_, when);
}

void AmqpWatches::remove(Id id) {
  std::function<void()> ended;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  if (const auto it = watches_.find(id); it != watches_.end()) {
    ended = std::move(it->second.fired);
    looks_.erase({it->second.next, id});
    watches_.erase(it);
  }
}

bool AmqpWatches::empty() const {
  const std::lock_guard lock(mutex_);
  return watches_.empty();
}

Duration AmqpWatches::interval_of_all() const {
  const auto rounds = static_cast<std::int64_t>(watches_.size() / kWatchesAtOnce) + 1;
  return std::min<Duration>(kLongestWatchInterval, rounds * kWatchInterval);
}

Duration AmqpWatches::interval() const {
  const std::lock_guard lock(mutex_);
  return interval_of_all();
}

AmqpWatches::SteadyTime AmqpWatches::next_look() const {
  const std::lock_guard lock(mutex_);
  return next_look_;
}

std::vector<AmqpRequestPtr> AmqpWatches::due(SteadyTime now, SteadyTime deadline) {
  std::vector<AmqpRequestPtr> out;
  const std::lock_guard lock(mutex_);
  if (now < next_look_) return out;
  while (!looks_.empty() && looks_.begin()->first <= now) {
    const auto id = looks_.begin()->second;
    looks_.erase(looks_.begin());
    auto r = std::make_shared<AmqpRequest>();
    r->queue = watches_.at(id).queue;
    r->deadline = deadline;
    r->done = [this, id](Result<Declared> d) { looked(id, d); };
    out.push_back(std::move(r));
  }
  next_look_ = looks_.empty() ? SteadyTime::max() : std::max(looks_.begin()->first, now + kLooksApart);
  return out;
}

void AmqpWatches::looked(Id id, const Result<Declared>& d) {
  std::function<void()> fired;
  {
    const std::lock_guard lock(mutex_);
    const auto it = watches_.find(id);
    if (it == watches_.end()) return;
    if (!d || d->messages == 0)
      return look_at(id, std::chrono::steady_clock::now() + (d ? interval_of_all() : kNotThere));
    fired = std::move(it->second.fired);
    watches_.erase(it);
  }
  fired();
}

}  // namespace docktor
