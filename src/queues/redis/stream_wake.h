// The wake at zero replicas for streams: one XREAD BLOCK without a group waits for all of a server's streams at
// once, on a connection of its own. It touches no group and takes nothing. In a cluster one such command takes streams of
// one slot only: there is one, with its connections, for each slot.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "queues/redis/redis_router.h"

namespace docktor {

/// Thread-safe. Callbacks run on the wake's own connection's thread; not to be dropped from there.
class StreamWake {
 public:
  struct Events {
    std::function<void()> fired;               ///< an entry came; the watch is over
    std::function<void(std::string why)> gap;  ///< why it sees nothing; empty: it does now
  };
  /// A new watch joins when the present block ends: so late at most.
  static constexpr auto kBlock = std::chrono::milliseconds(1000);

  explicit StreamWake(RedisLoginOptions options) : options_(std::move(options)) {}
  ~StreamWake();
  StreamWake(const StreamWake&) = delete;
  StreamWake& operator=(const StreamWake&) = delete;

  /// Fires when an entry with a higher id than `after` is in the stream. The connection is made with the first one:
  /// throws std::system_error where there is no thread or no descriptor for it; the next call tries again.
  std::uint64_t watch(const std::string& stream, const std::string& after, bool cluster, Events events);
  void unwatch(std::uint64_t id);

 private:
  struct Watch {
    std::string stream, after;
    Events events;
  };
  struct State;
  struct Waiting {
    std::shared_ptr<State> state;
    // Last: its thread, which calls the state, ends before that goes.
    std::unique_ptr<RedisRouter> router;
  };

  const RedisLoginOptions options_;
  std::mutex mutex_;  // guards the rest
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::shared_ptr<State>> watched_;
  std::map<int, Waiting> waiting_;  // by slot; kNoSlot where the server is no cluster
};

/// As RedisRouters.
class StreamWakes {
 public:
  std::shared_ptr<StreamWake> get(const RedisLoginOptions& options);

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::weak_ptr<StreamWake>>> wakes_;
};

}  // namespace docktor
