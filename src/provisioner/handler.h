// One instance of a ThreadProvisioner: a thread that pulls messages and works on them.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "docktor/thread_provisioner.h"
#include "provisioner/ack_subject.h"
#include "provisioner/connection_impl.h"
#include "provisioner/ledger.h"

namespace docktor {

/// What all handlers of one pool have in common.
struct Workplace {
  Workplace(Connection c, std::string s, std::string n, ThreadProvisioner::Work w, ThreadProvisionerOptions o)
      : connection(std::move(c)),
        stream(std::move(s)),
        consumer(std::move(n)),
        work(std::move(w)),
        options(std::move(o)) {}

  const Connection connection;
  const std::string stream;
  const std::string consumer;
  const ThreadProvisioner::Work work;
  const ThreadProvisionerOptions options;
  Ledger ledger;
  std::atomic<std::uint64_t> duplicate_window_ns{0};  // the stream's; 0: not known
  std::atomic<std::uint64_t> processed{0}, failed{0}, exceptions{0}, given_back{0}, repeats{0};
};

/// A pull stays open for kPull at most and is renewed when it is over. A handler that shall stop lets its
/// pull come to its end, and gives back at once what still comes through it: a subscription that ends before
/// its pull does would leave messages that are on their way to nobody, until their ack wait is over.
class Handler {
 public:
  static constexpr std::chrono::milliseconds kPull{1000};

  Handler(std::shared_ptr<Workplace> place, InstanceId id);
  ~Handler();  ///< stops, and waits for the thread
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  const InstanceId& id() const { return id_; }
  /// Thread-safe, as all the rest. With `linger` (the last handler: nobody is there to take what it gives
  /// back, and what was given back does not show as pending) it works on all that comes until its pull is
  /// over; a later call without takes that back.
  void request_stop(bool linger = false);
  bool ended() const { return ended_; }

  /// Tells the server that the message at work, and what waits behind it, is still in hand.
  void keep();

 private:
  struct MessageDeleter {
    void operator()(natsMsg* m) const { natsMsg_Destroy(m); }
  };
  using MessagePtr = std::unique_ptr<natsMsg, MessageDeleter>;

  void run();
  void pull();
  MessagePtr next(std::chrono::milliseconds wait, natsStatus& status);
  bool is_status(natsMsg* m);
  void status(natsMsg* m);
  void handle(MessagePtr message);
  void work_on(natsMsg* message, const Delivery& delivery);
  void pause();

  const std::shared_ptr<Workplace> place_;
  Connection::Impl& wire_;
  const InstanceId id_;
  const std::string inbox_;
  const std::string pull_subject_;
  const std::string pull_body_;
  natsSubscription* subscription_ = nullptr;
  int outstanding_ = 0;      // messages that may still come through the open pull
  std::uint64_t pulls_ = 0;  // the open one's number
  std::uint64_t processed_ = 0;
  std::chrono::steady_clock::time_point pulled_at_{};
  std::stop_source stop_;
  std::atomic<bool> linger_{false};
  std::atomic<bool> ended_{false};

  std::mutex mutex_;  // guards the next three
  std::condition_variable wake_;
  const char* at_work_ = nullptr;  // the ack subject of the message at work
  std::deque<MessagePtr> taken_;   // received by keep() meanwhile
  std::thread thread_;             // last: it uses what stands above
};

}  // namespace docktor
