#include "queues/nats/link.h"

#include <fmt/format.h>

#include <utility>

namespace docktor {
namespace {

// A message handler of ours, owned by nats.c's subscription until it is complete.
struct Handler {
  std::function<void(NatsMessage)> call;
};

void on_message(natsConnection*, natsSubscription*, natsMsg* msg, void* closure) {
  static_cast<Handler*>(closure)->call(NatsMessage(msg, &natsMsg_Destroy));
}
void on_complete(void* closure) { delete static_cast<Handler*>(closure); }

}  // namespace

Result<NatsSubscription> subscribe_on(natsConnection* nc, const std::string& subject, int max_messages,
                                      std::function<void(NatsMessage)> handler) {
  auto* h = new Handler{std::move(handler)};
  natsSubscription* sub = nullptr;
  natsStatus s = natsConnection_Subscribe(&sub, nc, subject.c_str(), &on_message, h);
  if (s != NATS_OK) {
    delete h;
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot subscribe to {}: {}", subject, natsStatus_GetText(s)), true);
  }
  NatsSubscription out(sub);
  // From here on the handler is nats.c's. (Where the connection has just closed it is never freed: nats.c
  // does not tell whether a call is under way.)
  s = natsSubscription_SetOnCompleteCB(sub, &on_complete, h);
  if (s == NATS_OK) s = natsSubscription_SetPendingLimits(sub, -1, -1);
  if (s == NATS_OK && max_messages > 0) s = natsSubscription_AutoUnsubscribe(sub, max_messages);
  if (s != NATS_OK) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot subscribe to {}: {}", subject, natsStatus_GetText(s)), true);
  }
  return out;
}

}  // namespace docktor
