// One provisioner at work: looks at the queue, asks the law, tells the actor, reports events.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "docktor/provisioner.h"
#include "os/inbox.h"
#include "os/real_clock.h"
#include "provisioner/actor.h"
#include "provisioner/law.h"
#include "provisioner/stop_request.h"
#include "provisioner/watcher.h"
#include "queues/nats/jetstream_source.h"

namespace docktor {

/// run() is the loop, on a thread of its caller's choice; it owns all state, and everything else reaches it
/// through the inbox. Nothing in it waits for the queue or for the caller's start and stop.
class Loop {
 public:
  struct Parts {
    Connection connection;
    Provisioner& provisioner;
    std::string stream;
    std::string consumer;
    ProvisionerOptions options;
    std::unique_ptr<Law> law;
    std::unique_ptr<Watcher> watcher;  ///< rate law only
    std::shared_ptr<Inbox> inbox;      ///< an event in it ends a wait
    std::shared_ptr<StopRequest> stop;
    Duration sample_interval;
    Duration check_interval;
  };
  explicit Loop(Parts parts);

  /// Until a stop is requested; then stops all instances and returns.
  void run();

  int instances() const { return actor_.running(); }      ///< thread-safe
  int target() const { return actor_.counts().current; }  ///< thread-safe
  std::string last_reason() const;                        ///< thread-safe

 private:
  using Kind = ProvisionerEvent::Kind;

  void look(Time now);
  void count_messages(Time now);
  void read();
  void answered(Result<Reading> reading);
  void watch();
  void decide(Time now);
  void scale(int target, const std::string& reason);
  void reported(const Actor::Report& report);
  void end();
  void emit(ProvisionerEvent event);
  void trouble(const std::string& text);
  std::chrono::steady_clock::time_point due(Time now) const;

  Parts parts_;
  const RealClock clock_;
  std::unique_ptr<JetStreamSource> source_;
  Actor actor_;

  Time next_sample_{};
  Time next_check_{};
  Time last_input_{};
  std::optional<Time> last_answer_;
  std::optional<Time> decide_by_;  // a decision is due; it waits for the read under way until then
  bool reading_ = false;
  bool watching_ = false;
  std::optional<Time> wake_until_;  // a message may have come: read again until then
  int false_wakes_ = 0;             // within this sample interval
  bool quiet_ = true;               // no message since the last check
  bool quiet_told_ = false;
  bool finished_ = false;
  std::string trouble_;  // of the queue, as it was told

  mutable std::mutex mutex_;  // guards the next
  std::string last_reason_;
};

}  // namespace docktor
