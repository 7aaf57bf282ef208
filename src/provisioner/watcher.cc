#include "provisioner/watcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "provisioner/ack_subject.h"
#include "queues/nats/jetstream_api.h"

namespace docktor {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPull{5000};  // a pull stays open for so long
// A pull that says nothing for so long after its end was lost; or the consumer is not there: nats-server
// answers no pull from a consumer that it does not have.
constexpr std::chrono::milliseconds kGrace{1000};
constexpr std::chrono::milliseconds kPause{100};  // least time between pulls that were refused
constexpr std::chrono::seconds kCreateAgain{2};   // where somebody deleted the consumer

std::string create_body(const std::string& stream, const RateLaw& law) {
  const nlohmann::json config = {{"durable_name", law.watcher},
                                 {"ack_policy", "all"},
                                 {"headers_only", true},
                                 {"deliver_policy", "new"}};
  return nlohmann::json{{"stream_name", stream}, {"config", config}}.dump();
}

}  // namespace

// What the client's thread writes to. It outlives the watcher where a callback is still under way.
struct Watcher::Inbox {
  std::function<void()> wake;
  std::string subject;  // of statuses: <subject>.<pull>
  std::mutex mutex;     // guards the rest
  bool closed = false;
  bool asleep = true;  // the owner wants to be woken
  Arrivals arrived;
  std::string last_ack;
  std::uint64_t pull = 0;
  int left = 0;  // messages that may still come through the open pull
  bool refused = false;
  bool gone = false;  // nobody is there: the consumer was deleted

  void take(natsMsg* m) {
    bool call = false;
    {
      const std::lock_guard lock(mutex);
      if (closed) return;
      std::string_view from = natsMsg_GetSubject(m);
      if (from.starts_with(subject)) {
        const char* code = nullptr;
        if (natsMsgHeader_Get(m, "Status", &code) != NATS_OK || !code) code = "503";
        if (from.substr(subject.size() + 1) != fmt::format("{}", pull)) return;
        left = 0;
        refused = std::string_view(code) != "408" && std::string_view(code) != "404";
        gone = gone || std::string_view(code) == "503" || std::string_view(code) == "409";
      } else if (const char* reply = natsMsg_GetReply(m); reply && parse_ack_subject(reply)) {
        ++arrived.messages;
        arrived.last = steady_clock::now();
        --left;
        last_ack = reply;
      }
      call = asleep || left <= 0;
      asleep = false;
    }
    if (call) wake();
  }
};

Watcher::Watcher(Connection connection, std::string stream, RateLaw law, std::function<void()> wake)
    : connection_(std::move(connection)),
      stream_(std::move(stream)),
      law_(std::move(law)),
      inbox_(std::make_shared<Inbox>()) {
  inbox_->wake = std::move(wake);
  inbox_->subject = fmt::format("_INBOX.{}", unique_name());
}

Watcher::~Watcher() {
  const std::lock_guard lock(inbox_->mutex);
  inbox_->closed = true;
}

Result<void> Watcher::open(Duration timeout) {
  auto& wire = *connection_.impl();
  const auto deadline = steady_clock::now() + timeout;
  const auto left = [&] {
    return std::max<Duration>(deadline - steady_clock::now(), std::chrono::milliseconds(1));
  };
  auto text = wire.call(fmt::format("$JS.API.CONSUMER.INFO.{}.{}", stream_, law_.watcher), "", left());
  if (!text) return text.error();
  auto info = parse_consumer_info(*text, stream_, law_.watcher);
  if (info && info->error && info->error->err_code == ApiError::kConsumerNotFound) {
    text = wire.call(fmt::format("$JS.API.CONSUMER.DURABLE.CREATE.{}.{}", stream_, law_.watcher),
                     create_body(stream_, law_), left());
    if (!text) return text.error();
    info = parse_consumer_info(*text, stream_, law_.watcher);
  }
  if (!info) return info.error();
  if (info->error) return wire.api()->explain(*info->error, stream_, law_.watcher);
  if (!info->value->deliver_subject.empty() || info->value->ack_policy != "all") {
    return fail(
        ErrorCode::kConflict,
        fmt::format("consumer {} of stream {} cannot be watched through: it must be a pull consumer with "
                    "ack policy all; delete it, and it is created as needed, or name another watcher",
                    law_.watcher, stream_));
  }
  history_ = info->value->num_pending + info->value->num_ack_pending;
  auto sub = subscribe_on(wire.nc(), inbox_->subject + ".*", 0,
                          [inbox = inbox_](const NatsMessage& m) { inbox->take(m.get()); });
  if (!sub) return sub.error();
  subscription_ = std::move(*sub);
  return {};
}

Watcher::Arrivals Watcher::take(steady_clock::time_point now) {
  Arrivals arrived;
  std::string ack;
  bool over = false, gone = false;
  {
    const std::lock_guard lock(inbox_->mutex);
    arrived = std::exchange(inbox_->arrived, {});
    ack.swap(inbox_->last_ack);
    const bool late = now - pulled_at_ > kPull + kGrace;
    over = (inbox_->left <= 0 && (!inbox_->refused || now - pulled_at_ > kPause)) || late;
    gone = std::exchange(inbox_->gone, false) || (late && pulls_ > 0);
    inbox_->asleep = arrived.messages == 0;
  }
  if (!ack.empty()) connection_.impl()->publish(ack.c_str(), "+ACK");
  if (gone && now - created_at_ > kCreateAgain) {  // a second provisioner that ended took the consumer along
    created_at_ = now;
    const auto api = connection_.impl()->api();
    api->loop().post([c = api.get(),
                      subject = fmt::format("$JS.API.CONSUMER.DURABLE.CREATE.{}.{}", stream_, law_.watcher),
                      body = create_body(stream_, law_)] {
      c->request(subject, body, steady_clock::now() + kCreateAgain, [](const Result<std::string>&) {});
    });
  }
  if (over) pull(now);
  const std::uint64_t old = std::min(history_, arrived.messages);
  history_ -= old;
  arrived.messages -= old;
  return arrived;
}

void Watcher::pull(steady_clock::time_point now) {
  pulled_at_ = now;
  std::string reply;
  {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->pull = ++pulls_;
    inbox_->left = law_.batch;
    inbox_->refused = false;
    reply = fmt::format("{}.{}", inbox_->subject, pulls_);
  }
  const std::string body =
      fmt::format("{{\"batch\":{},\"expires\":{}}}", law_.batch, std::chrono::nanoseconds(kPull).count());
  const std::string subject = fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", stream_, law_.watcher);
  natsConnection_PublishRequest(connection_.impl()->nc(), subject.c_str(), reply.c_str(), body.data(),
                                static_cast<int>(body.size()));
}

steady_clock::time_point Watcher::due() const {
  const std::lock_guard lock(inbox_->mutex);
  return inbox_->left <= 0 ? pulled_at_ + kPause : pulled_at_ + kPull + kGrace + std::chrono::milliseconds(1);
}

void Watcher::end(Duration timeout) {
  subscription_ = {};
  {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->closed = true;
    if (!inbox_->last_ack.empty()) connection_.impl()->publish(inbox_->last_ack.c_str(), "+ACK");
  }
  if (!law_.delete_watcher) return;
  // Best effort: a server that is away keeps the consumer, and the next provisioner takes it up.
  (void)connection_.impl()->call(fmt::format("$JS.API.CONSUMER.DELETE.{}.{}", stream_, law_.watcher), "",
                                 timeout);
}

}  // namespace docktor
