// The wake at zero replicas for streams: one XREAD BLOCK without a group waits for all of a server's streams at
// once, on a connection of its own. It touches no group and takes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "queues/redis/redis_connection.h"

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
  std::uint64_t watch(const std::string& stream, const std::string& after, Events events);
  void unwatch(std::uint64_t id);

 private:
  struct Watch {
    std::string stream, after;
    Events events;
  };
  struct State;

  const RedisLoginOptions options_;
  std::mutex mutex_;
  std::shared_ptr<State> state_;
  // Last: its thread, which calls the state, ends before anything else goes.
  std::unique_ptr<RedisConnection> connection_;
};

/// As RedisConnections.
class StreamWakes {
 public:
  std::shared_ptr<StreamWake> get(const RedisLoginOptions& options);

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::weak_ptr<StreamWake>>> wakes_;
};

}  // namespace docktor
