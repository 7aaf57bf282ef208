// The management API of one server, asked for many services: what it last said of each queue.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "queues/rabbitmq/rabbitmq_spec.h"
#include "queues/rabbitmq/sample_maker.h"

namespace docktor {

/// Asks no more often than once a second for a queue, and more rarely where the server takes long; many queues
/// of one virtual host are asked for at once. Keeps what was last said of each queue that somebody follows.
///
/// Thread-safe. Callbacks come from a thread of its own, must not block and must not destroy it.
class ManagementApi {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Done = std::function<void(Result<KnownFigures>)>;

  /// `spec.queue` does not matter. `resolve`, where set, gives the address to connect to in place of a URL; it may
  /// block for seconds.
  ManagementApi(RabbitSpec spec, std::function<std::string(const std::string& url)> resolve);
  ~ManagementApi();
  ManagementApi(const ManagementApi&) = delete;
  ManagementApi& operator=(const ManagementApi&) = delete;

  /// A queue is kept while somebody follows it.
  void follow(const std::string& queue);
  void unfollow(const std::string& queue);

  /// Calls `done` once, by `deadline` at the latest: with figures that were asked for at `not_before` or later, or
  /// with why there are none. Where what is known will do, it is given at once, from within the call, and asked for
  /// anew where it is older than a second or so. kDenied: the user may not ask; kNotFound: no such queue;
  /// kUnavailable, kTimeout: no API, or no figures yet.
  void figures(const std::string& queue, SteadyTime not_before, SteadyTime deadline, Done done);

  /// GET of any path, for checks: the body of a 200. Blocks.
  Result<std::string> get(const std::string& path, Duration timeout);

  const std::string& shown() const;  ///< its address without credentials

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace docktor
