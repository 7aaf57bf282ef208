#include "queues/rabbitmq/amqp_connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "core/text.h"
#include "os/bell.h"
#include "queues/rabbitmq/amqp_attempt.h"
#include "queues/rabbitmq/amqp_channel.h"
#include "queues/rabbitmq/amqp_socket.h"
#include "queues/rabbitmq/amqp_watches.h"

namespace docktor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using SteadyTime = steady_clock::time_point;

constexpr Duration kFirstPause = milliseconds(250);
constexpr Duration kLongestPause = std::chrono::seconds(5);
constexpr Duration kDead =
    std::chrono::seconds(10);  // a question unanswered for so long: the connection is given up
constexpr Duration kSlow = milliseconds(200);
constexpr Duration kIdle = std::chrono::seconds(5);  // the loop turns at least so often, for heartbeats
constexpr Duration kExpiry = milliseconds(50);
constexpr std::size_t kMostUnderWay = 1024;
constexpr int kSideChannels = 8;

}  // namespace

class AmqpConnection::Loop {
 public:
  Loop(RabbitSpec spec, std::function<std::string(const std::string&)> resolve)
      : spec_(std::move(spec)),
        resolve_(std::move(resolve)),
        shown_(fmt::format("{}://{}:{}", spec_.address.tls ? "amqps" : "amqp", spec_.address.host,
                           spec_.address.port)),
        bell_(std::make_shared<const Bell>("a queue's connection cannot be made")) {
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    bell_->ring();
    thread_.join();
  }

  void declare(AmqpRequestPtr request) {
    {
      const std::lock_guard lock(mutex_);
      incoming_.push_back(std::move(request));
    }
    bell_->ring();
  }

  WatchId watch(const std::string& queue, std::function<void()> fired) {
    const auto id = watches_.add(queue, std::move(fired));
    bell_->ring();
    return id;
  }

  void unwatch(WatchId id) { watches_.remove(id); }

  Duration watch_interval() const { return watches_.interval(); }

  const std::string& shown() const { return shown_; }

 private:
  void run() {
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) break;
        for (auto& r : incoming_) pending_.push_back(std::move(r));
        incoming_.clear();
      }
      const auto now = steady_clock::now();
      for (auto& r : watches_.due(now, now + kDead)) pending_.push_back(std::move(r));
      adopt();
      connect_if_wanted();
      expire();
      route();
      wait();
      if (state_ && !read_frames()) continue;
      give_up_if_dead();
    }
    const Error closed{ErrorCode::kUnavailable, "the connection was closed", true};
    auto left = all_requests();
    {
      const std::lock_guard lock(mutex_);
      for (auto& r : std::exchange(incoming_, {})) left.push_back(std::move(r));
    }
    for (auto& r : left) r->answer(closed);
  }

  // Sends what waits over the channels: the good ones over the first, many at once; those that were refused or
  // slow one at a time over the others, so that they hold up nobody.
  void route() {
    if (!state_) return;
    for (auto& r : std::exchange(pending_, {})) {
      const bool side = suspects_.contains(r->queue);
      const std::size_t which = side ? 1 + std::hash<std::string>{}(r->queue) % kSideChannels : 0;
      watch_outcome(r);
      under_way_.push_back(r);
      channels_[which].ask(std::move(r));
    }
    for (auto& c : channels_) {
      if (const int status = c.send(); status != AMQP_STATUS_OK) return lost(amqp_error_string2(status));
    }
  }

  void watch_outcome(const AmqpRequestPtr& r) {
    if (r->done)
      r->done = [this, queue = r->queue, done = std::move(r->done)](Result<Declared> d) {
        const bool refused =
            !d && d.error().code != ErrorCode::kUnavailable && d.error().code != ErrorCode::kTimeout;
        if (refused || (d && d->took > kSlow))
          suspects_.insert(queue);
        else if (d)
          suspects_.erase(queue);
        done(std::move(d));
      };
  }

  void expire() {
    const auto now = steady_clock::now();
    const auto late = [&](const AmqpRequestPtr& r) {
      if (now < r->deadline) return false;
      r->answer(last_error_
                    ? Result<Declared>(*last_error_)
                    : fail(ErrorCode::kTimeout, fmt::format("{} did not answer in time", shown_), true));
      return true;
    };
    // Without a connection, the reason is better than silence.
    if (!state_ && last_error_ && !attempt_) {
      for (auto& r : std::exchange(pending_, {})) r->answer(*last_error_);
    }
    if (now < next_expiry_) return;
    next_expiry_ = now + kExpiry;
    std::erase_if(pending_, late);
    std::erase_if(under_way_, [&](const AmqpRequestPtr& r) { return !r->done || late(r); });
  }

  void connect_if_wanted() {
    if (state_ || attempt_) return;
    const auto now = steady_clock::now();
    if (now < next_attempt_) return;
    if (pending_.empty() && watches_.empty() && !wanted_) return;
    wanted_ = true;
    attempt_ = std::make_unique<AmqpAttempt>(spec_, resolve_, shown_, bell_);
  }

  void adopt() {
    if (!attempt_) return;
    auto ended = attempt_->take();
    if (!ended) return;
    attempt_.reset();
    Result<AmqpState>& result = *ended;
    if (!result) {
      last_error_ = result.error();
      pause();
      return;
    }
    state_ = std::move(*result);
    channels_.clear();
    channels_.emplace_back(state_.get(), amqp_channel_t{1}, kMostUnderWay);
    for (int i = 0; i < kSideChannels; ++i)
      channels_.emplace_back(state_.get(), static_cast<amqp_channel_t>(2 + i), std::size_t{1});
    heard_ = steady_clock::now();
  }

  void pause() {
    pause_ = pause_ == Duration::zero() ? kFirstPause : std::min<Duration>(2 * pause_, kLongestPause);
    next_attempt_ = steady_clock::now() + pause_;
  }

  // The connection is gone: what was under way gets the reason.
  void lost(const std::string& why) {
    last_error_ =
        Error{ErrorCode::kUnavailable, fmt::format("the connection to {} was lost: {}", shown_, why), true};
    for (auto& c : channels_) {
      for (auto& r : c.release()) r->answer(*last_error_);
    }
    channels_.clear();
    suspects_.clear();
    state_.reset();
    pause();
  }

  void wait() {
    auto until = steady_clock::now() + kIdle;
    {
      const std::lock_guard lock(mutex_);
      if (!incoming_.empty() || stopping_) return;
    }
    until = std::min(until, watches_.next_look());
    if (!pending_.empty()) until = std::min(until, next_expiry_ + kExpiry);
    for (const auto& c : channels_) {
      if (c.waits_since()) until = std::min(until, next_expiry_ + kExpiry);  // deadlines under way
    }
    if (!state_ && !attempt_ && wanted_) until = std::min(until, next_attempt_);
    if (state_ && (amqp_frames_enqueued(state_.get()) || amqp_data_in_buffer(state_.get()))) return;
    std::vector<pollfd> fds{{bell_->fd(), POLLIN, 0}};
    if (state_) fds.push_back({amqp_get_sockfd(state_.get()), POLLIN, 0});
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    ::poll(fds.data(), fds.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
    bell_->silence();
  }

  // False: the connection was lost.
  bool read_frames() {
    while (true) {
      amqp_frame_t frame;
      const timeval now{0, 0};
      const int status = amqp_simple_wait_frame_noblock(state_.get(), &frame, &now);
      if (status == AMQP_STATUS_TIMEOUT) break;
      if (status != AMQP_STATUS_OK) {
        lost(amqp_error_string2(status));
        return false;
      }
      heard_ = steady_clock::now();
      if (frame.channel == 0) {
        if (frame.frame_type == AMQP_FRAME_METHOD &&
            frame.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD) {
          lost(close_text(
              static_cast<const amqp_connection_close_t*>(frame.payload.method.decoded)->reply_text));
          return false;
        }
      } else if (frame.channel <= channels_.size()) {
        last_error_.reset();
        pause_ = {};
        if (const int taken = channels_[frame.channel - 1].take(frame); taken != AMQP_STATUS_OK) {
          lost(amqp_error_string2(taken));
          return false;
        }
      }
    }
    amqp_maybe_release_buffers(state_.get());
    return true;
  }

  // A question that nobody answers, for longer than any deadline: what stands between is dead.
  void give_up_if_dead() {
    const auto now = steady_clock::now();
    for (const auto& c : channels_) {
      if (c.waits_since() && now - *c.waits_since() > kDead && now - heard_ > kDead)
        return lost("no answer for 10 s");
    }
  }

  std::deque<AmqpRequestPtr> all_requests() {
    auto all = std::exchange(pending_, {});
    for (auto& c : channels_) {
      for (auto& r : c.release()) all.push_back(std::move(r));
    }
    return all;
  }

  const RabbitSpec spec_;
  const std::function<std::string(const std::string&)> resolve_;
  const std::string shown_;
  const std::shared_ptr<const Bell> bell_;

  AmqpWatches watches_;

  std::mutex mutex_;  // guards the next two
  std::deque<AmqpRequestPtr> incoming_;
  bool stopping_ = false;

  // Of the thread.
  std::deque<AmqpRequestPtr> pending_;    // no channel has them yet
  std::deque<AmqpRequestPtr> under_way_;  // channels have them; for their deadlines
  std::unique_ptr<AmqpAttempt> attempt_;
  AmqpState state_;
  std::vector<AmqpChannel> channels_;  // the first for most, the others one at a time
  std::set<std::string> suspects_;     // queues that were refused or slow
  std::optional<Error> last_error_;
  Duration pause_{};
  SteadyTime next_attempt_{};
  SteadyTime heard_{};
  SteadyTime next_expiry_{};
  bool wanted_ = false;
  std::thread thread_;
};

AmqpConnection::AmqpConnection(RabbitSpec spec, std::function<std::string(const std::string& url)> resolve)
    : loop_(std::make_unique<Loop>(std::move(spec), std::move(resolve))) {}

AmqpConnection::~AmqpConnection() = default;

void AmqpConnection::declare(const std::string& queue, Duration timeout, Done done) {
  auto r = std::make_shared<AmqpRequest>();
  r->queue = queue;
  r->deadline = steady_clock::now() + timeout;
  r->done = std::move(done);
  loop_->declare(std::move(r));
}

AmqpConnection::WatchId AmqpConnection::watch(const std::string& queue, std::function<void()> fired) {
  return loop_->watch(queue, std::move(fired));
}

void AmqpConnection::unwatch(WatchId id) { loop_->unwatch(id); }

Duration AmqpConnection::watch_interval() const { return loop_->watch_interval(); }

const std::string& AmqpConnection::shown() const { return loop_->shown(); }

}  // namespace docktor
