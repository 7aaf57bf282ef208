#include "provisioner/adopted_link.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "core/text.h"

namespace docktor {

AdoptedLink::AdoptedLink(EventLoop& loop, natsConnection* nc, std::string shown_url, LinkEvents events)
    : loop_(loop),
      nc_(nc),
      shown_url_(std::move(shown_url)),
      events_(std::move(events)),
      reconnects_(reconnects()) {
  loop_.post([this] { look(); });
}

std::uint64_t AdoptedLink::reconnects() const {
  natsStatistics* raw = nullptr;
  if (natsStatistics_Create(&raw) != NATS_OK) return reconnects_;
  const std::unique_ptr<natsStatistics, void (*)(natsStatistics*)> statistics(raw, &natsStatistics_Destroy);
  std::uint64_t n = reconnects_;
  if (natsConnection_GetStats(nc_, raw) == NATS_OK)
    natsStatistics_GetCounts(raw, nullptr, nullptr, nullptr, nullptr, &n);
  return n;
}

void AdoptedLink::look() {
  const auto status = natsConnection_Status(nc_);
  const bool up = status == NATS_CONN_STATUS_CONNECTED || status == NATS_CONN_STATUS_DRAINING_SUBS ||
                  status == NATS_CONN_STATUS_DRAINING_PUBS;
  const std::uint64_t n = reconnects();
  const bool was_away = std::exchange(reconnects_, n) != n;
  if (state_ == State::kUp && (!up || was_away)) {
    state_ = State::kDown;
    if (events_.down) events_.down();
  }
  if (state_ == State::kConnecting && !up) {
    state_ = State::kDown;
    if (events_.down) events_.down();
  }
  if (state_ != State::kUp && up) {
    state_ = State::kUp;
    if (events_.up) events_.up();
  }
  loop_.at(std::chrono::steady_clock::now() + kLook, [this] { look(); });
}

Error AdoptedLink::why_down() const {
  return {ErrorCode::kUnavailable,
          fmt::format("{}: the connection was lost{}", shown_url_,
                      natsConnection_IsClosed(nc_) ? " and is closed" : "; it is tried again"),
          true};
}

bool AdoptedLink::publish(const std::string& subject, const std::string& reply, std::string_view body) {
  return natsConnection_PublishRequest(nc_, subject.c_str(), reply.c_str(), body.data(),
                                       static_cast<int>(body.size())) == NATS_OK;
}

Result<NatsSubscription> AdoptedLink::subscribe(const std::string& subject, int max_messages,
                                                std::function<void(NatsMessage)> handler) {
  if (state_ != State::kUp) return why_down();
  return subscribe_on(nc_, subject, max_messages, std::move(handler));
}

std::string AdoptedLink::connected_to() const {
  char buffer[512] = "";
  if (natsConnection_GetConnectedUrl(nc_, buffer, sizeof buffer) != NATS_OK) return {};
  return redacted_url(buffer);
}

}  // namespace docktor
