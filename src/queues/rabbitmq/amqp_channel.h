// Passive declares on one AMQP channel, many under way at once.
#pragma once

#include <amqp.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "queues/rabbitmq/sample_maker.h"

namespace docktor {

/// A question for a queue. `done` is empty once it was answered, or its time had passed.
struct AmqpRequest {
  std::string queue;
  std::chrono::steady_clock::time_point deadline;
  std::function<void(Result<Declared>)> done;
  int redone = 0;  ///< another queue's refusal closed the channel so often meanwhile

  void answer(Result<Declared> result) {
    if (auto d = std::exchange(done, nullptr)) d(std::move(result));
  }
};
using AmqpRequestPtr = std::shared_ptr<AmqpRequest>;

/// A refusal (no such queue) closes the channel: it is opened anew, and what was under way behind the refused
/// one is asked again. Belongs to one thread.
class AmqpChannel {
 public:
  /// `most_under_way`: questions that are sent before the first of them is answered.
  AmqpChannel(amqp_connection_state_t state, amqp_channel_t number, std::size_t most_under_way)
      : state_(state), number_(number), most_(most_under_way) {}

  void ask(AmqpRequestPtr request) { waiting_.push_back(std::move(request)); }

  /// Sends what may be sent; a status of the library.
  int send();

  /// Takes a frame of this channel.
  int take(const amqp_frame_t& frame);

  /// When the oldest question that is under way became the oldest; nothing where none is.
  std::optional<std::chrono::steady_clock::time_point> waits_since() const {
    return sent_.empty() ? std::nullopt : std::optional(since_);
  }

  /// All questions, sent or not, in order; the channel has none then.
  std::deque<AmqpRequestPtr> release();

 private:
  int refused(const amqp_channel_close_t& close);
  int request(amqp_method_number_t method, void* decoded) const {
    return amqp_send_method(state_, number_, method, decoded);
  }

  enum class Stage { kClosed, kOpening, kOpen };
  amqp_connection_state_t state_;
  amqp_channel_t number_;
  std::size_t most_;
  Stage stage_ = Stage::kClosed;
  std::deque<AmqpRequestPtr> waiting_;
  std::deque<AmqpRequestPtr> sent_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace docktor
