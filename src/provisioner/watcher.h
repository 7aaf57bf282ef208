// Counts the messages of a stream through the rate law's consumer: headers only, ack-all, in batches.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "docktor/provisioner.h"
#include "provisioner/connection_impl.h"

namespace docktor {

/// take() and end() are the owner's, from one thread. Messages that were there when it opened are
/// acknowledged and not counted: they are history.
class Watcher {
 public:
  /// `wake` is called, from a thread of the client, when messages come after take() had returned none.
  Watcher(Connection connection, std::string stream, RateLaw law, std::function<void()> wake);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Creates the consumer where it is missing. Blocks up to `timeout`.
  Result<void> open(Duration timeout);

  struct Arrivals {
    std::uint64_t messages = 0;
    std::chrono::steady_clock::time_point last;  ///< when the last one came here; where there is one
  };
  /// Messages since the call before; acknowledges them, and keeps a pull open. `now`: the steady clock's.
  Arrivals take(std::chrono::steady_clock::time_point now);

  /// When take() wants to be called again at the latest.
  std::chrono::steady_clock::time_point due() const;

  /// No more messages; deletes the consumer where the law says so. Blocks up to `timeout`.
  void end(Duration timeout);

 private:
  struct Inbox;
  void pull(std::chrono::steady_clock::time_point now);

  const Connection connection_;
  const std::string stream_;
  const RateLaw law_;
  const std::shared_ptr<Inbox> inbox_;
  NatsSubscription subscription_;
  std::uint64_t history_ = 0;  // messages that still stand before those that count
  std::uint64_t pulls_ = 0;
  std::chrono::steady_clock::time_point pulled_at_{};
  std::chrono::steady_clock::time_point created_at_{};
};

}  // namespace docktor
