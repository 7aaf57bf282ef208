// Commands to a Redis server or a cluster of them: each goes to the server that has its key.
//
// A server that is no cluster has one connection, and everything goes there. Of a cluster the first server's answer
// tells that it is one. Then each master that has keys of ours has a connection of its own, as its slots say (CLUSTER
// SLOTS); they are asked for anew where a server sends us elsewhere (MOVED) or does not answer.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "queues/redis/cluster_slots.h"
#include "queues/redis/redis_connection.h"

namespace docktor {

/// Thread-safe. Callbacks run on one thread, that of the first connection. Dropping the last reference ends everything;
/// not from a callback.
class RedisRouter {
 public:
  static constexpr int kMaxRounds = 4;  ///< of one batch: sent elsewhere so often, and then given up

  using SteadyTime = RedisConnection::SteadyTime;
  using Done = RedisConnection::Done;

  /// Throws std::system_error where there is no thread or no descriptor left.
  explicit RedisRouter(RedisLoginOptions options);
  ~RedisRouter();
  RedisRouter(const RedisRouter&) = delete;
  RedisRouter& operator=(const RedisRouter&) = delete;

  /// As RedisConnection::send(). The commands of a batch may lie on several servers: then all of them have to answer, and
  /// `server` of the answer is all of them in one. kUnavailable where a cluster goes on sending us elsewhere.
  void send(std::vector<RedisCommand> commands, SteadyTime deadline, Done done);

  /// Runs `task` once on the callbacks' thread, in so long.
  void after(Duration wait, std::function<void()> task);

  /// send() for callers who wait; never from a callback.
  Result<RedisAnswer> call(std::vector<RedisCommand> commands, Duration timeout);

  /// What is known of the cluster; nothing where it is none, as far as anybody has said.
  struct Cluster {
    SlotMap slots;
    bool may_ask = true;  ///< this user may use CLUSTER SLOTS
  };
  std::optional<Cluster> cluster() const;

 private:
  class State;

  // In this order: the state ends its connections, whose threads call the first one.
  std::unique_ptr<RedisConnection> first_;
  std::shared_ptr<State> state_;
};

/// One router per address and identity. Thread-safe. Routers live as long as somebody holds them.
class RedisRouters {
 public:
  std::shared_ptr<RedisRouter> get(const RedisLoginOptions& options);

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::weak_ptr<RedisRouter>>> routers_;
};

}  // namespace docktor
