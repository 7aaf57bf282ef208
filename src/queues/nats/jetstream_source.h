// The source of one service: a JetStream consumer's counters, the wake at zero replicas, and the checks of
// `config validate`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/source.h"
#include "queues/nats/jetstream_connection.h"
#include "queues/nats/nats_spec.h"

namespace docktor {

/// Thread-safe. Callbacks come from the connection's loop thread, without a lock held; they may call the
/// source but must not destroy it or wait for it. When the destructor has returned no callback runs and none
/// will: a read still under way is answered from within the destructor with kUnavailable.
///
/// At zero replicas:
///     source.watch(cb);     // subscribes, then reads the consumer once: in this order nothing is missed
///     ...cb()               // a message may have come, or that one read showed pending ones; the watch is over
///     source.read(...)      // again for up to 50 ms before calling it false: the message may not be stored yet
///     source.watch(cb);     // after a false wake: armed again, with the same subscribe-then-read
///
/// The watch survives a lost connection: it is armed again, read included, when the connection is back.
/// Polling (at most 1 s apart) goes on meanwhile; watch_gap() tells when it is all there is.
class JetStreamSource final : public Source {
 public:
  struct Options {
    std::string stream;
    std::string consumer;
    std::string subject;  ///< as configured; only check() looks at it
    bool may_reach_zero =
        false;  ///< min_replicas is 0: check() refuses a consumer that would lose messages then
    std::string advisories = "$JS.EVENT.ADVISORY";  ///< where JetStream tells of messages it gave up
    std::string domain{};                           ///< whose advisories count; empty: all
  };
  static Options options_from(const NatsSpec& spec, bool may_reach_zero);

  JetStreamSource(std::shared_ptr<JetStreamConnection> connection, Options options);
  ~JetStreamSource() override;

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  void watch(std::function<void()> on_message) override;
  std::string watch_gap() const override;
  std::string unfit_for_zero() const override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  class Core;
  std::vector<Finding> check_permissions(const std::vector<std::string>& filters,
                                         JetStreamConnection::SteadyTime deadline);
  std::shared_ptr<JetStreamConnection> connection_;
  Options options_;
  std::shared_ptr<Core> core_;
};

/// Not empty: why zero replicas would lose messages of this consumer (no durable, or an inactive threshold:
/// the server deletes it while nobody pulls).
std::string why_unfit_for_zero(const ConsumerInfo& info, const std::string& consumer);

}  // namespace docktor
