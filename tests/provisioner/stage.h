// What the provisioner's tests share: a private server with a stream, a connection, and a record of events.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "docktor/docktor.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"
#include "tests/support/patience.h"

namespace docktor::test {

/// Events of a subscription, as they came. Thread-safe.
class Events {
 public:
  using Kind = ProvisionerEvent::Kind;
  std::function<void(const ProvisionerEvent&)> recorder() {
    return [this](const ProvisionerEvent& e) {
      const std::lock_guard lock(mutex_);
      all_.push_back(e);
    };
  }
  std::vector<ProvisionerEvent> of(Kind kind) const {
    const std::lock_guard lock(mutex_);
    std::vector<ProvisionerEvent> out;
    for (const auto& e : all_) {
      if (e.kind == kind) out.push_back(e);
    }
    return out;
  }
  std::vector<ProvisionerEvent> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  bool saw(Kind kind, int at_least = 1) const {
    return eventually([&] { return of(kind).size() >= static_cast<std::size_t>(at_least); });
  }

 private:
  mutable std::mutex mutex_;
  std::vector<ProvisionerEvent> all_;
};

/// A door that work waits at until the test opens it. Thread-safe.
class Door {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    moved_.notify_all();
  }
  /// Counts who waits.
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    moved_.wait(lock, [this] { return open_; });
  }
  int waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable moved_;
  bool open_ = false;
  int waiting_ = 0;
};

class Stage : public testing::Test {
 protected:
  static constexpr const char* kStream = "TEST";
  static constexpr const char* kConsumer = "PROCESSOR";

  Connection& connection() {
    if (!connection_) connection_.emplace(Connection::connect(server.url()).value());
    return *connection_;
  }
  void set_up_stream(const std::function<void(StreamSetup&)>& adjust = {}) {
    StreamSetup s{.stream = kStream, .subjects = {"test.*"}, .consumer = kConsumer};
    if (adjust) adjust(s);
    const auto r = set_up(connection(), s, kPatience);
    ASSERT_TRUE(r) << r.error().message;
  }
  Result<Subscription> start(Provisioner& p, ProvisionerOptions options = {}) {
    options.on_event = events.recorder();
    return start_provisioner({}, connection(), p, kStream, kConsumer, std::move(options));
  }
  /// A rate law that a test need not wait long for.
  static RateLaw quick_rate_law() {
    RateLaw law;
    law.step = std::chrono::milliseconds(50);
    law.window = std::chrono::milliseconds(100);
    return law;
  }
  /// All that was published is done with, for good.
  bool settled(NatsClient& client) {
    return eventually([&] {
      const auto info = client.consumer(kStream, kConsumer);
      return info["num_pending"] == 0 && info["num_ack_pending"] == 0;
    });
  }

  NatsServer server;
  Events events;

 private:
  std::optional<Connection> connection_;
};

}  // namespace docktor::test
