// JetStream API requests over one connection, many at a time, shared by all services with the same servers
// and credentials.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "os/event_loop.h"
#include "queues/nats/elsewhere.h"
#include "queues/nats/jetstream_api.h"
#include "queues/nats/link.h"
#include "queues/nats/stream_cache.h"

namespace docktor {

/// Over a link, which keeps a connection up. It has one loop thread, which runs all of its callbacks; what
/// is not marked thread-safe is called there. Requests share one inbox; at most kMaxInFlight are with the
/// server, the rest wait in a row. Dropping the last reference ends everything; not from the loop's own
/// thread.
class JetStreamConnection {
 public:
  static constexpr std::size_t kMaxInFlight = 256;
  static constexpr std::size_t kMaxRequests = 100'000;  ///< in flight and waiting

  static constexpr const char* kApi = "$JS.API";

  using SteadyTime = EventLoop::SteadyTime;
  template <class T>
  using Done = std::function<void(Result<T>)>;
  using StreamPtr = StreamCache::StreamPtr;

  /// Told on the loop's thread. Held weakly.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void link_up() = 0;
    virtual void link_down() = 0;
    virtual void subscription_denied(const std::string& subject) = 0;
  };

  /// `make` is called once, on the loop's thread, before anything else there.
  using MakeLink = std::function<std::unique_ptr<Link>(EventLoop& loop, LinkEvents events)>;
  /// `api` stands before every request: "$JS.API", with a domain "$JS.hub.API".
  JetStreamConnection(std::string shown_url, MakeLink make, std::string api = kApi);
  ~JetStreamConnection();
  JetStreamConnection(const JetStreamConnection&) = delete;
  JetStreamConnection& operator=(const JetStreamConnection&) = delete;

  EventLoop& loop() { return loop_; }                    ///< thread-safe
  const std::string& shown_url() const { return url_; }  ///< thread-safe; without credentials
  Link& link() { return *link_; }
  /// "CONSUMER.INFO.S.C" → the subject that is asked. Thread-safe.
  std::string api(std::string_view what) const;

  /// link_up is called at once when the link is up.
  void add_listener(const std::shared_ptr<Listener>& listener);

  /// `done` is called exactly once, later, from the loop: the answer's text, or kUnavailable (not connected,
  /// lost, nobody answers: JetStream is off), kDenied (no permission), kTimeout. The first attempt to connect
  /// is waited for.
  void request(std::string subject, std::string body, SteadyTime deadline, Done<std::string> done);

  /// kNotFound when stream or consumer do not exist; kUnavailable without a leader. The message tells the
  /// cure.
  void consumer_info(const std::string& stream, const std::string& consumer, SteadyTime deadline,
                     Done<ConsumerInfo> done);

  /// An answer no older than `max_age` is shared, as is a request under way; so consumers of one stream ask
  /// once. With a `filter` the counts of its subjects are in it. `done` may be called at once.
  void stream_info(const std::string& stream, const std::string& filter, Duration max_age,
                   SteadyTime deadline, StreamCache::Done done);
  /// Forgets what is known of a stream: something about it was odd.
  void forget_stream(const std::string& stream);

  /// Thread-safe, but never on the loop's thread: request() for callers who wait.
  Result<std::string> call(std::string subject, std::string body, Duration timeout);

  /// As call(): where the connection leads now; empty when it is down.
  std::string connected_to(Duration timeout);

  /// As call(): where JetStream may be instead when it, or a stream, is not found here ("its JetStream is
  /// domain edge; ..."). Empty where nothing speaks for another place.
  std::string elsewhere(Duration timeout);

  /// "stream EVENTS on nats://host:4222": every message says where. `elsewhere` is what the call of this name
  /// gave. Thread-safe.
  Error explain(const ApiError& error, const std::string& stream, const std::string& consumer,
                const std::string& elsewhere = {}) const;

 private:
  struct Pending {
    std::string subject;
    std::string body;
    Done<std::string> done;
    EventLoop::Timer timer;
    bool sent = false;
  };
  void send_waiting();
  void complete(std::uint64_t id, Result<std::string> result);
  void fail_all(const Error& error);
  void answered(const NatsMessage& message);
  void up();
  void down();
  void denied(const std::string& subject, bool publish);

  std::string url_;
  std::string api_;
  Elsewhere elsewhere_;
  EventLoop loop_;
  std::string inbox_;  // "_INBOX.xyz." of the present connection
  NatsSubscription inbox_subscription_;
  Result<void> inbox_ok_;
  std::uint64_t next_id_ = 0;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::deque<std::uint64_t> waiting_;  // ids of those not sent yet, some of them over already
  std::size_t in_flight_ = 0;
  StreamCache streams_;
  std::vector<std::weak_ptr<Listener>> listeners_;
  std::unique_ptr<Link> link_;  // last: its events use what stands above
};

}  // namespace docktor
