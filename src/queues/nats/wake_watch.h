// The wake at zero replicas (design: "At zero replicas"): one message on the stream's input subjects, or one
// that is pending already, calls back once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queues/nats/jetstream_connection.h"
#include "queues/nats/wake_subjects.h"

namespace docktor {

/// On the connection's loop thread only. Armed = subscribed, each subscription ending with its first message,
/// and then read, in this order: a message is either pending in the read or comes through a subscription. The
/// watch survives a lost connection. It is over when it has fired.
class WakeWatch : public std::enable_shared_from_this<WakeWatch> {
 public:
  struct Events {
    std::function<void()> fired;
    std::function<void(std::string)> gap;  ///< what the watch does not see, in words; empty when it sees all
  };
  WakeWatch(JetStreamConnection& connection, std::string stream, std::string consumer, Events events);

  void start();
  void stop();

  void link_up();
  void link_down();
  void subscription_denied(const std::string& subject);

  /// A poll went well and showed this: arms what could not be armed before, and follows a changed stream or
  /// consumer.
  void polled(const ConsumerInfo& info);

 private:
  void arm();
  void disarm();
  void find_subjects(JetStreamConnection::SteadyTime deadline);
  void subscribe(WakeSubjects found);
  void look(std::size_t n);
  void fire(std::uint64_t epoch);
  void set_wake(WakeSubjects w);
  void tell_gap();

  JetStreamConnection& connection_;  // outlives its loop's tasks, and so this
  const std::string stream_;
  const std::string consumer_;
  Events events_;
  bool watching_ = false;
  bool arming_ = false;
  bool armed_ = false;
  bool ever_armed_ = false;
  std::uint64_t epoch_ = 0;  // what was begun in an older one is ignored
  std::optional<std::vector<std::string>> filters_;
  WakeSubjects wake_;
  std::set<std::string> denied_;
  std::vector<NatsSubscription> subscriptions_;
  std::uint64_t in_hand_ = 0;
};

}  // namespace docktor
