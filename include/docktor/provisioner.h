// A pool of instances inside a program that scales itself with its queue: the caller's code starts and stops
// instances, docktor decides how many there should be.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>

#include "docktor/connection.h"

namespace docktor {

using InstanceId = std::string;

/// How instances are started and stopped: threads of this program (ThreadProvisioner), processes, machines.
///
/// start_instance() and stop_instance() are called one at a time, from a thread of the subscription, never
/// from two at once. They may take their time: watching goes on meanwhile. Whatever they throw is caught, and
/// counts as kInternal.
class DOCKTOR_EXPORT Provisioner {
 public:
  virtual ~Provisioner() = default;

  /// Only asked under the rate law: how many instances there should be, given when the last message came (of
  /// the steady clock; its epoch when none has come yet), how many there are, and how many messages come each
  /// second. Called about once a second, from another thread than the two below. An answer outside the law's
  /// bounds is taken to the nearest bound; an exception keeps what there is. The default keeps what there is.
  virtual int num_instances(std::chrono::steady_clock::time_point last_receive, int current,
                            double rate_per_second);

  /// Starts one and returns its name, unique among those that run. An error is reported, and tried again with
  /// a growing pause. `stop` is requested when the subscription ends or the call has taken longer than
  /// ProvisionerOptions::call_timeout: return soon then. Nothing else can interrupt a call that hangs: until
  /// it returns no other instance starts or stops, and the subscription's end waits for it.
  virtual Result<InstanceId> start_instance(std::stop_token stop) = 0;

  /// Stops one, newest first. It may return before the instance has ended. kNotFound: it is gone already,
  /// which is as good; any other error is reported, and tried again while it is not wanted. `stop` is
  /// requested when the call has taken longer than ProvisionerOptions::call_timeout.
  virtual Result<void> stop_instance(std::stop_token stop, const InstanceId& id) = 0;
};

/// The default law: the goal is that a message waits at most `max_wait`; how much an instance carries and how
/// long it takes to start are learned. It is the daemon's own `objective` policy, and reads the consumer's
/// state with one request per sample; no second consumer is needed.
struct ObjectiveLaw {
  /// 0: no instance while there is no work; the first message starts one within milliseconds. Needs a durable
  /// consumer without an inactive threshold (else one instance is kept, and the reason tells so).
  int min_instances = 0;
  int max_instances = 16;
  /// Of the messages, `quantile` shall wait no longer than this from publish until an instance begins.
  /// Shorter costs more instances where load comes in bursts.
  std::chrono::milliseconds max_wait{1000};
  double quantile = 0.99;
  /// An instance is only removed when for so long fewer were enough. Shorter frees idle ones sooner, and
  /// starts them again more often.
  std::chrono::milliseconds idle_after{2000};
  /// Between two looks at the queue. Shorter reacts sooner; each costs one request (some 0.1 ms of CPU).
  std::chrono::milliseconds sample_interval{250};
  /// Between two decisions; at least the sample interval.
  std::chrono::milliseconds check_interval{500};
};

/// The law of the NATS by Example auto-scaler: watches the messages themselves through a second consumer
/// (headers only, ack-all, see StreamSetup::watcher), and asks Provisioner::num_instances() once a second.
///
/// The rate is that of the last `window`, not since the start. There are never fewer than 0 instances; the
/// last one is not stopped while messages are left, and one is started when some are found at 0. A burst
/// younger than the window never stops an instance for being slow.
struct RateLaw {
  std::string watcher = "PROVISIONER";  ///< created (deliver new) when it is missing
  int max_instances = 64;
  int batch = 500;  ///< messages per pull
  std::chrono::milliseconds step{1000};
  std::chrono::milliseconds window{2000};
  /// A watcher that nobody watches through would, under interest retention, hold every message for ever: it
  /// is deleted when the subscription ends.
  bool delete_watcher = true;
};

/// What happened, for logs and measurements.
struct ProvisionerEvent {
  enum class Kind {
    kNewMessages,  ///< the first message after a quiet time
    kNoMessages,   ///< a second without any (rate law only)
    kScaling,      ///< `from` -> `to`, for `reason`
    kStarted,      ///< `instance`; the call took `took`
    kStopped,      ///< `instance`; the call took `took`
    kTrouble,      ///< `reason`: a call that failed or hangs, a queue that does not answer; told once each
    kStopping,     ///< the subscription ends, for `reason`; the last kScaling follows
  };
  Kind kind = Kind::kTrouble;
  std::chrono::steady_clock::time_point at;
  int from = 0;
  int to = 0;
  std::string reason;
  InstanceId instance;
  std::chrono::nanoseconds took{};
};

struct ProvisionerOptions {
  std::variant<ObjectiveLaw, RateLaw> law = ObjectiveLaw{};
  /// Called for each event, in order, from the subscription's own thread. It should be quick: decisions wait
  /// for it. It may ask for the subscription's end; what it throws is dropped.
  std::function<void(const ProvisionerEvent&)> on_event;
  /// Longer, and a start or a stop is reported as hanging, and its stop token requested.
  std::chrono::milliseconds call_timeout{10'000};
};

/// A running provisioner; ends with its destruction. Thread-safe.
class DOCKTOR_EXPORT Subscription {
 public:
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  ~Subscription();  ///< as stop()

  /// Stops all instances, newest first (each stop is tried once), then the watching, and joins every thread.
  /// From within on_event it only asks for that.
  void stop();

  int instances() const;            ///< how many there are, those being started or stopped not counted
  int target() const;               ///< how many there should be
  std::string last_reason() const;  ///< why: of the last decision, holds included

  class DOCKTOR_HIDDEN Impl;
  explicit Subscription(std::shared_ptr<Impl> impl);

 private:
  std::shared_ptr<Impl> impl_;
};

/// Watches `consumer` of `stream` and keeps as many instances as the law asks for, until the subscription or
/// `stop` ends it. `provisioner` must live longer than the subscription. Several may run in one program, on
/// one connection or on several.
///
/// Blocks for one look at the queue: kNotFound when stream or consumer does not exist, kInvalid for options
/// or names that make no sense or a consumer that cannot be pulled from, kUnavailable, kTimeout, kDenied.
/// Later trouble is reported as an event; meanwhile the instances stay as they are.
DOCKTOR_EXPORT Result<Subscription> start_provisioner(std::stop_token stop, const Connection& connection,
                                                      Provisioner& provisioner, const std::string& stream,
                                                      const std::string& consumer,
                                                      ProvisionerOptions options = {});

}  // namespace docktor
