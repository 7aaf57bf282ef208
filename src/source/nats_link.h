// One connection to a set of NATS servers, kept up for ever: connects on a thread of its own, tries again
// with capped backoff and jitter, also when nothing is there at the start. All that this program knows of
// connecting with nats.c is here.
#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/spec.h"
#include "core/time.h"
#include "source/event_loop.h"

namespace docktor {

struct NatsLinkOptions {
  std::string url;  ///< one or several, separated by commas; may carry credentials
  std::string user;
  Secret password;
  Secret token;
  std::string creds_file;
  Secret nkey_seed;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
  /// Not empty: called before each attempt, on the connecting thread, with `url`; its answer is connected to
  /// instead (a Compose service's name → the port it is published on). Thread-safe; an empty answer means
  /// `url` as it is.
  std::function<std::string(const std::string& url)> resolve;
  std::string
      scope;  ///< names that `resolve` knows belong to it (a Compose project); not shared between scopes
  Duration connect_timeout = std::chrono::seconds(2);  ///< per server and attempt
  Duration first_retry = std::chrono::milliseconds(50);
  Duration last_retry =
      std::chrono::seconds(2);  ///< the backoff's cap; longer makes recovery later, shorter costs connects

  static NatsLinkOptions from(const QueueSpec& spec);
};

using NatsMessage = std::shared_ptr<natsMsg>;

/// A subscription of nats.c; ends with its destruction. A call of the handler may still be under way then.
class NatsSubscription {
 public:
  NatsSubscription() = default;

 private:
  friend class NatsLink;
  explicit NatsSubscription(natsSubscription* sub) : sub_(sub, &natsSubscription_Destroy) {}
  std::shared_ptr<natsSubscription> sub_;
};

/// Everything but construction and destruction: on the loop's thread only.
class NatsLink {
 public:
  enum class State { kConnecting, kUp, kDown };  ///< kConnecting: the very first attempt is under way

  struct Events {  ///< called on the loop's thread
    std::function<void()> up;
    std::function<void()> down;  ///< lost, or the first attempt failed; not for further failed attempts
    std::function<void(const std::string& subject, bool publish)> denied;
  };

  NatsLink(EventLoop& loop, NatsLinkOptions options, Events events);
  /// The loop must have been stopped. Waits for an attempt under way, 3 s at most.
  ~NatsLink();
  NatsLink(const NatsLink&) = delete;
  NatsLink& operator=(const NatsLink&) = delete;

  State state() const { return state_; }
  /// Why it is down, and since when: kUnavailable, or kDenied when the server refused the credentials. The
  /// text does not change while the cause is the same, so that a log can tell it once.
  Error why_down() const;
  const std::string& shown_url() const { return shown_url_; }  ///< without credentials

  /// Sends at once. False when down or when the write failed. Subject and reply must be valid subjects.
  bool publish(const std::string& subject, const std::string& reply, std::string_view body);

  /// `handler` runs on a thread of nats.c: it may only enqueue or count. With `max_messages` > 0 the
  /// subscription ends after so many. Nothing when down. Pending messages are not limited. Gone with the
  /// connection; subscribe again when `up` is called.
  Result<NatsSubscription> subscribe(const std::string& subject, int max_messages,
                                     std::function<void(NatsMessage)> handler);

  /// Where the connection leads now ("127.0.0.1:4222"); empty when down.
  std::string connected_to() const;

 private:
  struct Attempt;
  struct Wire;
  void connect();
  void attempted(std::uint64_t generation);
  void closed(std::uint64_t generation, const std::string& reason);
  void retry_later();

  EventLoop& loop_;
  NatsLinkOptions options_;
  Events events_;
  std::string shown_url_;
  State state_ = State::kConnecting;
  natsConnection* nc_ = nullptr;
  std::uint64_t generation_ = 0;  // of the connection or attempt; what belongs to an older one is ignored
  std::shared_ptr<Attempt> attempt_;
  std::vector<std::string> discovered_;  // other servers of the cluster, tried after the configured ones
  Error why_;
  Time down_since_{};
  EventLoop::SteadyTime up_since_;
  int retries_ = 0;
  std::minstd_rand jitter_;
};

}  // namespace docktor
