// One connection to a set of NATS servers, kept up for ever: connects on a thread of its own, tries again
// with capped backoff and jitter, also when nothing is there at the start. All that this program knows of
// connecting with nats.c is here.
#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "os/backoff.h"
#include "os/event_loop.h"
#include "queues/nats/link.h"
#include "queues/nats/nats_options.h"

namespace docktor {

/// Everything but construction and destruction: on the loop's thread only.
class NatsLink final : public Link {
 public:
  NatsLink(EventLoop& loop, NatsLinkOptions options, LinkEvents events);
  /// The loop must have been stopped. Waits for an attempt under way, 3 s at most.
  ~NatsLink() override;
  NatsLink(const NatsLink&) = delete;
  NatsLink& operator=(const NatsLink&) = delete;

  State state() const override { return state_; }
  Error why_down() const override;
  bool publish(const std::string& subject, const std::string& reply, std::string_view body) override;
  Result<NatsSubscription> subscribe(const std::string& subject, int max_messages,
                                     std::function<void(NatsMessage)> handler) override;
  std::string connected_to() const override;

 private:
  struct Attempt;
  struct Wire;
  void connect();
  void attempted(std::uint64_t generation);
  void closed(std::uint64_t generation, const std::string& reason);
  void retry_later();

  EventLoop& loop_;
  NatsLinkOptions options_;
  LinkEvents events_;
  std::string shown_url_;
  State state_ = State::kConnecting;
  natsConnection* nc_ = nullptr;
  std::uint64_t generation_ = 0;  // of the connection or attempt; what belongs to an older one is ignored
  std::shared_ptr<Attempt> attempt_;
  std::vector<std::string> discovered_;  // other servers of the cluster, tried after the configured ones
  Error why_;
  Time down_since_{};
  EventLoop::SteadyTime up_since_;
  Backoff backoff_;
};

}  // namespace docktor
