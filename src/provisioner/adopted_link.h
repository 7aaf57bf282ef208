// A link over a connection that somebody else keeps up: nats.c's own reconnecting, or the host program.
#pragma once

#include <cstdint>
#include <string>

#include "os/event_loop.h"
#include "queues/nats/link.h"

namespace docktor {

/// Everything but destruction: on the loop's thread only. The loop must have been stopped before it is
/// destroyed; `nc` must live longer.
///
/// The callbacks of a connection that is open already cannot be set any more, so its state is looked at every
/// kLook; one that broke and came back in between is noticed by its count of reconnects.
class AdoptedLink final : public Link {
 public:
  static constexpr std::chrono::milliseconds kLook{100};

  AdoptedLink(EventLoop& loop, natsConnection* nc, std::string shown_url, LinkEvents events);

  State state() const override { return state_; }
  Error why_down() const override;
  bool publish(const std::string& subject, const std::string& reply, std::string_view body) override;
  Result<NatsSubscription> subscribe(const std::string& subject, int max_messages,
                                     std::function<void(NatsMessage)> handler) override;
  std::string connected_to() const override;

 private:
  void look();
  std::uint64_t reconnects() const;

  EventLoop& loop_;
  natsConnection* const nc_;
  const std::string shown_url_;
  LinkEvents events_;
  State state_ = State::kConnecting;
  std::uint64_t reconnects_ = 0;
};

}  // namespace docktor
