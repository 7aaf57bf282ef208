#include "provisioner/handler.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

#include "core/pause.h"
#include "provisioner/message_impl.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kGrace{1000};  // a pull that says nothing for so long after its end was lost
constexpr milliseconds kPause{50};    // least time between pulls that give nothing
constexpr milliseconds kMostRetry{30'000};

std::string retry_after(const ThreadProvisionerOptions& o, std::uint64_t deliveries) {
  const int failures = static_cast<int>(std::clamp<std::uint64_t>(deliveries, 1, 64));
  const auto delay = pause_after(failures, std::max(o.retry_delay, milliseconds(0)), kMostRetry);
  return fmt::format("-NAK {{\"delay\": {}}}", std::chrono::nanoseconds(delay).count());
}

// A request has an inbox for its answer; where it may be tried again, it has an id as well.
Ledger::Entry entry_of(natsMsg* m, const Delivery& d) {
  Ledger::Entry e{d.stream_sequence, d.stored_at_ns};
  const char* value = nullptr;
  if (natsMsgHeader_Get(m, kReplyHeader, &value) != NATS_OK) return e;
  if (natsMsgHeader_Get(m, "Nats-Msg-Id", &value) == NATS_OK && value) e.id = value;
  return e;
}

}  // namespace

Handler::Handler(std::shared_ptr<Workplace> place, InstanceId id)
    : place_(std::move(place)),
      wire_(*place_->connection.impl()),
      id_(std::move(id)),
      inbox_(fmt::format("_INBOX.{}", unique_name())),
      pull_subject_(fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", place_->stream, place_->consumer)),
      pull_body_(fmt::format("{{\"batch\":{},\"expires\":{}}}", place_->options.fetch_size,
                             std::chrono::nanoseconds(kPull).count())),
      thread_([this] { run(); }) {}

Handler::~Handler() {
  request_stop();
  thread_.join();
}

void Handler::request_stop(bool linger) {
  linger_ = linger;
  stop_.request_stop();
  const std::lock_guard lock(mutex_);
  wake_.notify_all();
}

void Handler::run() {
  while (!stop_.stop_requested() &&
         natsConnection_SubscribeSync(&subscription_, wire_.nc(), (inbox_ + ".*").c_str()) != NATS_OK) {
    pause();  // out of memory, or the connection is closed for good
  }
  while (true) {
    if (outstanding_ <= 0) {
      if (stop_.stop_requested()) break;
      pull();
    }
    const auto left = std::chrono::ceil<milliseconds>(pulled_at_ + kPull + kGrace - steady_clock::now());
    natsStatus s = NATS_OK;
    auto message = next(std::max(left, milliseconds(0)), s);
    if (message && is_status(message.get())) {
      status(message.get());
    } else if (message) {
      --outstanding_;
      handle(std::move(message));
    } else {
      outstanding_ = 0;
      if (s != NATS_TIMEOUT) pause();  // nobody there, or closed
    }
  }
  natsSubscription_Destroy(subscription_);
  ended_ = true;
  if (place_->options.on_end) {
    try {
      place_->options.on_end(id_, processed_);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the host's own; it must not end the program
    }
  }
  nats_ReleaseThreadMemory();
}

void Handler::pause() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kPause, [this] { return stop_.stop_requested(); });
}

void Handler::pull() {
  pulled_at_ = steady_clock::now();
  outstanding_ = place_->options.fetch_size;
  const std::string reply = fmt::format("{}.{}", inbox_, ++pulls_);
  if (natsConnection_PublishRequest(wire_.nc(), pull_subject_.c_str(), reply.c_str(), pull_body_.data(),
                                    static_cast<int>(pull_body_.size())) != NATS_OK) {
    outstanding_ = 0;
    pause();
  }
}

Handler::MessagePtr Handler::next(milliseconds wait, natsStatus& status) {
  {
    const std::lock_guard lock(mutex_);
    if (!taken_.empty()) {
      auto m = std::move(taken_.front());
      taken_.pop_front();
      return m;
    }
  }
  natsMsg* m = nullptr;
  status = natsSubscription_NextMsg(&m, subscription_, wait.count());
  return MessagePtr(m);
}

// What the server says of a pull comes to the inbox's own subject; a message has its stream's.
bool Handler::is_status(natsMsg* m) { return std::string_view(natsMsg_GetSubject(m)).starts_with(inbox_); }

void Handler::status(natsMsg* m) {
  const char* code = nullptr;
  if (natsMsgHeader_Get(m, "Status", &code) == NATS_OK && code && std::string_view(code) == "100") return;
  std::string_view number = natsMsg_GetSubject(m);
  number.remove_prefix(inbox_.size() + 1);
  if (number != fmt::format("{}", pulls_)) return;  // of a pull that was given up
  outstanding_ = 0;
  // "No messages" comes when the pull has waited in vain; sooner it is a refusal, which is not asked for in a
  // hurry.
  if (steady_clock::now() - pulled_at_ < kPause) pause();
}

void Handler::handle(MessagePtr message) {
  const char* reply = natsMsg_GetReply(message.get());
  const auto delivery = parse_ack_subject(reply ? reply : "");
  if (!delivery) return;  // not from a consumer
  if (stop_.stop_requested() && !linger_) {
    wire_.publish(reply, "-NAK");
    ++place_->given_back;
    return;
  }
  auto seen = place_->ledger.begin(entry_of(message.get(), *delivery), place_->duplicate_window_ns);
  if (seen.state == Ledger::Seen::State::kRunning) {  // another thread has it, and answers for it
    wire_.publish(reply, "+WPI");
    ++place_->repeats;
    return;
  }
  if (seen.state == Ledger::Seen::State::kTwin) {  // once that one is done, this one gets the same answer
    wire_.publish(reply, retry_after(place_->options, delivery->deliveries));
    ++place_->repeats;
    return;
  }
  if (seen.state == Ledger::Seen::State::kDone) {
    const char* inbox = nullptr;
    if (seen.answer && natsMsgHeader_Get(message.get(), kReplyHeader, &inbox) == NATS_OK && inbox)
      wire_.publish(inbox, *seen.answer);
    wire_.publish(reply, "+ACK");
    ++place_->repeats;
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    at_work_ = reply;
  }
  work_on(message.get(), *delivery);
}

void Handler::work_on(natsMsg* message, const Delivery& delivery) {
  Message::Impl impl(message, delivery, stop_.get_token());
  bool done = false;
  try {
    Message m(impl);
    const Result<void> result = place_->work(m);
    done = result.has_value();
  } catch (...) {
    ++place_->exceptions;
  }
  {
    const std::lock_guard lock(mutex_);
    at_work_ = nullptr;  // from here on no sign of life may follow the acknowledgement
  }
  const char* reply = natsMsg_GetReply(message);
  if (!done) {
    ++place_->failed;
    place_->ledger.abandon(entry_of(message, delivery));
    wire_.publish(reply, retry_after(place_->options, delivery.deliveries));
    return;
  }
  place_->ledger.finish(entry_of(message, delivery), impl.inbox ? &impl.answer : nullptr);
  ++place_->processed;
  ++processed_;
  if (impl.inbox) wire_.publish(impl.inbox, impl.answer);
  wire_.publish(reply, "+ACK");
}

void Handler::keep() {
  const std::lock_guard lock(mutex_);
  if (!at_work_) return;
  natsMsg* m = nullptr;
  while (natsSubscription_NextMsg(&m, subscription_, 0) == NATS_OK) taken_.emplace_back(m);
  wire_.publish(at_work_, "+WPI");
  for (const auto& waiting : taken_) {
    const char* reply = natsMsg_GetReply(waiting.get());
    if (reply && !is_status(waiting.get())) wire_.publish(reply, "+WPI");
  }
}

}  // namespace docktor
