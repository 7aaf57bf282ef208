#include "queues/rabbitmq/amqp_channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "queues/rabbitmq/amqp_socket.h"

namespace docktor {

namespace {

using std::chrono::steady_clock;

constexpr int kMostRedone = 100;  // of one question: so many missing queues before it in a row

Error refusal(const amqp_channel_close_t& close, const std::string& queue) {
  const auto said = close_text(close.reply_text);
  switch (close.reply_code) {
    case AMQP_NOT_FOUND:
      // A queue whose node is down is refused with the same code as one that never was.
      if (said.find("down or inaccessible") != std::string::npos)
        return {ErrorCode::kUnavailable,
                fmt::format("queue {} is on a node that is down ({}); start that node", queue, said), true};
      return {
          ErrorCode::kNotFound,
          fmt::format(
              "queue {} is not there yet; its first worker or producer makes it, or check the name and the "
              "vhost",
              queue),
          true};
    case AMQP_RESOURCE_LOCKED:
      return {
          ErrorCode::kDenied,
          fmt::format(
              "queue {} is exclusive: only the connection that made it may use it, so workers cannot share "
              "it; declare it without exclusive",
              queue),
          false};
    case AMQP_ACCESS_REFUSED:
      return {ErrorCode::kDenied,
              fmt::format(
                  "queue {} may not be looked at: {}; give docktor's user a permission on it (configure, on "
                  "RabbitMQ 4.3 any)",
                  queue, said),
              false};
    default:
      return {ErrorCode::kUnavailable, fmt::format("queue {}: {}", queue, said), true};
  }
}

}  // namespace

int AmqpChannel::send() {
  if (waiting_.empty()) return AMQP_STATUS_OK;
  if (stage_ == Stage::kClosed) {
    stage_ = Stage::kOpening;
    amqp_channel_open_t open{};
    open.out_of_band = amqp_empty_bytes;
    return request(AMQP_CHANNEL_OPEN_METHOD, &open);
  }
  if (stage_ == Stage::kOpening) return AMQP_STATUS_OK;
  while (!waiting_.empty() && sent_.size() < most_) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    if (!next->done) continue;  // its time had passed
    amqp_queue_declare_t declare{};
    declare.queue = {next->queue.size(), next->queue.data()};
    declare.passive = 1;
    const int status = request(AMQP_QUEUE_DECLARE_METHOD, &declare);
    if (sent_.empty()) since_ = steady_clock::now();
    sent_.push_back(std::move(next));
    if (status != AMQP_STATUS_OK) return status;
  }
  return AMQP_STATUS_OK;
}

int AmqpChannel::take(const amqp_frame_t& frame) {
  if (frame.frame_type != AMQP_FRAME_METHOD) return AMQP_STATUS_OK;
  const auto& method = frame.payload.method;
  switch (method.id) {
    case AMQP_CHANNEL_OPEN_OK_METHOD:
      stage_ = Stage::kOpen;
      return AMQP_STATUS_OK;
    case AMQP_CHANNEL_CLOSE_METHOD:
      return refused(*static_cast<const amqp_channel_close_t*>(method.decoded));
    case AMQP_QUEUE_DECLARE_OK_METHOD: {
      const auto& ok = *static_cast<const amqp_queue_declare_ok_t*>(method.decoded);
      if (sent_.empty()) return AMQP_STATUS_UNEXPECTED_STATE;
      auto asked = std::move(sent_.front());
      sent_.pop_front();
      const auto now = steady_clock::now();
      const std::string_view name(static_cast<const char*>(ok.queue.bytes), ok.queue.len);
      if (name != asked->queue) return AMQP_STATUS_UNEXPECTED_STATE;
      asked->answer(Declared{ok.message_count, ok.consumer_count, now - std::exchange(since_, now)});
      return AMQP_STATUS_OK;
    }
    default:
      return AMQP_STATUS_OK;
  }
}

// Answers come in the order of the questions, so the refused one is the first; what was sent behind it is lost.
int AmqpChannel::refused(const amqp_channel_close_t& close) {
  auto again = std::move(sent_);
  sent_.clear();
  if (!again.empty()) {
    again.front()->answer(refusal(close, again.front()->queue));
    again.pop_front();
  }
  for (auto it = again.rbegin(); it != again.rend(); ++it) {
    if (++(*it)->redone <= kMostRedone)
      waiting_.push_front(std::move(*it));
    else
      (*it)->answer(
          fail(ErrorCode::kUnavailable, "other queues of this connection are refused again and again", true));
  }
  stage_ = Stage::kClosed;
  amqp_channel_close_ok_t ok{};
  return request(AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
}

std::deque<AmqpRequestPtr> AmqpChannel::release() {
  auto all = std::exchange(sent_, {});
  for (auto& r : waiting_) all.push_back(std::move(r));
  waiting_.clear();
  return all;
}

}  // namespace docktor
