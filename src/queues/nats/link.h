// How requests reach the server: the seam between JetStreamConnection and whoever keeps a connection up.
#pragma once

#include <nats/nats.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

using NatsMessage = std::shared_ptr<natsMsg>;

/// A subscription of nats.c; ends with its destruction. A call of the handler may still be under way then.
class NatsSubscription {
 public:
  NatsSubscription() = default;
  explicit NatsSubscription(natsSubscription* sub) : sub_(sub, &natsSubscription_Destroy) {}

 private:
  std::shared_ptr<natsSubscription> sub_;
};

/// `handler` runs on a thread of nats.c: it may only enqueue or count. With `max_messages` > 0 the
/// subscription ends after so many. Pending messages are not limited.
Result<NatsSubscription> subscribe_on(natsConnection* nc, const std::string& subject, int max_messages,
                                      std::function<void(NatsMessage)> handler);

struct LinkEvents {  ///< called on the loop's thread
  std::function<void()> up;
  std::function<void()> down;  ///< lost, or the first attempt failed; not for further failed attempts
  std::function<void(const std::string& subject, bool publish)> denied;
};

/// On the loop's thread only.
class Link {
 public:
  enum class State { kConnecting, kUp, kDown };  ///< kConnecting: the very first attempt is under way

  virtual ~Link() = default;

  virtual State state() const = 0;
  /// Why it is down, and since when: kUnavailable, or kDenied when the server refused the credentials. The
  /// text does not change while the cause is the same, so that a log can tell it once.
  virtual Error why_down() const = 0;

  /// Sends at once. False when down or when the write failed. Subject and reply must be valid subjects.
  virtual bool publish(const std::string& subject, const std::string& reply, std::string_view body) = 0;

  /// As subscribe_on(). Nothing when down. Gone with the connection; subscribe again when `up` is called.
  virtual Result<NatsSubscription> subscribe(const std::string& subject, int max_messages,
                                             std::function<void(NatsMessage)> handler) = 0;

  /// Where the connection leads now ("127.0.0.1:4222"); empty when down.
  virtual std::string connected_to() const = 0;
};

}  // namespace docktor
