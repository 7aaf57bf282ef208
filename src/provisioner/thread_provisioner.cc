#include "docktor/thread_provisioner.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "provisioner/handler.h"
#include "queues/nats/jetstream_connection.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAsk{2000};          // for ack wait and duplicate window
constexpr milliseconds kAskAgain{1000};     // where it did not answer
constexpr milliseconds kLookAgain{30'000};  // somebody may change it
constexpr double kNearly = 0.8;             // of what one thread less would carry
// Where so many messages should have come since the last one and none did, the rate is a thing of the past:
// of a Poisson process one time in e^50, and arrivals in clumps have some room.
constexpr double kMissed = 50;
constexpr milliseconds kLastWords{1000};  // for what was published last to reach the server

}  // namespace

class ThreadProvisioner::Impl {
 public:
  explicit Impl(std::shared_ptr<Workplace> place)
      : place_(std::move(place)), keeper_([this](const std::stop_token& stop) { keep(stop); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      for (auto& h : handlers_) h->request_stop();
      for (auto& h : retired_) h->request_stop();
    }
    keeper_.request_stop();
    keeper_.join();
    handlers_.clear();  // joins
    retired_.clear();
    natsConnection_FlushTimeout(place_->connection.impl()->nc(), kLastWords.count());
  }

  Result<InstanceId> start() {
    const std::lock_guard lock(mutex_);
    try {
      handlers_.push_back(std::make_unique<Handler>(place_, unique_name()));
    } catch (const std::system_error& e) {
      return fail(ErrorCode::kExhausted, fmt::format("no thread can be started: {}", e.what()), true);
    }
    return handlers_.back()->id();
  }

  Result<void> stop(const InstanceId& id) {
    const std::lock_guard lock(mutex_);
    const auto it = std::ranges::find(handlers_, id, [](const auto& h) { return h->id(); });
    if (it == handlers_.end()) return fail(ErrorCode::kNotFound, fmt::format("no thread is named {}", id));
    (*it)->request_stop(handlers_.size() == 1);
    retired_.push_back(std::move(*it));
    handlers_.erase(it);
    return {};
  }

  Stats stats() const {
    const std::lock_guard lock(mutex_);
    const Workplace& p = *place_;
    return {p.processed, p.failed, p.exceptions, p.given_back, p.repeats, static_cast<int>(handlers_.size())};
  }

  const ThreadProvisionerOptions& options() const { return place_->options; }

 private:
  // Gives signs of life for long work, four to each ack wait, and buries the handlers that have ended.
  void keep(const std::stop_token& stop) {
    const auto ack_wait = std::make_shared<std::atomic<Duration>>(Duration(0));  // 0: not known yet
    auto look_at = steady_clock::now();
    auto last_sign = look_at;
    while (!stop.stop_requested()) {
      const auto now = steady_clock::now();
      const Duration wait = ack_wait->load();
      const Duration between =
          wait > Duration::zero() ? std::max<Duration>(wait / 4, milliseconds(1)) : kAskAgain;
      if (now >= look_at) {
        ask(ack_wait);
        look_at = now + (wait > Duration::zero() ? kLookAgain : kAskAgain);
      }
      std::vector<std::unique_ptr<Handler>> ended;
      std::unique_lock lock(mutex_);
      if (now >= last_sign + between) {
        for (const auto& h : handlers_) h->keep();
        for (const auto& h : retired_) h->keep();
        last_sign = now;
      }
      const auto gone = std::ranges::stable_partition(retired_, [](const auto& h) { return !h->ended(); });
      std::ranges::move(gone, std::back_inserter(ended));
      retired_.erase(gone.begin(), gone.end());
      const auto until =
          std::min<steady_clock::time_point>(look_at, last_sign + std::min<Duration>(between, kAskAgain));
      wake_.wait_until(lock, stop, std::max(until, now + milliseconds(1)), [] { return false; });
    }
  }

  // The answers come to a thread of its own, and touch nothing of ours but the two numbers.
  void ask(const std::shared_ptr<std::atomic<Duration>>& ack_wait) {
    const auto api = place_->connection.impl()->api();
    api->loop().post([c = api.get(), stream = place_->stream, consumer = place_->consumer, ack_wait,
                      place = std::weak_ptr(place_)] {
      c->stream_info(stream, "", kAskAgain, steady_clock::now() + kAsk,
                     [place](const Result<JetStreamConnection::StreamPtr>& info) {
                       if (const auto p = place.lock(); p && info && *info)
                         p->duplicate_window_ns = static_cast<std::uint64_t>(
                             std::chrono::nanoseconds((*info)->duplicate_window).count());
                     });
      c->consumer_info(stream, consumer, steady_clock::now() + kAsk,
                       [ack_wait](const Result<ConsumerInfo>& info) {
                         if (info) ack_wait->store(info->ack_wait);
                       });
    });
  }

  const std::shared_ptr<Workplace> place_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::vector<std::unique_ptr<Handler>> retired_;  // asked to stop
  std::jthread keeper_;                            // last: it uses what stands above
};

ThreadProvisioner::ThreadProvisioner(Connection connection, std::string stream, std::string consumer,
                                     Work work, ThreadProvisionerOptions options) {
  options.fetch_size = std::max(1, options.fetch_size);
  options.max_rate_per_handler = std::max(1, options.max_rate_per_handler);
  impl_ = std::make_unique<Impl>(std::make_shared<Workplace>(
      std::move(connection), std::move(stream), std::move(consumer), std::move(work), std::move(options)));
}

ThreadProvisioner::~ThreadProvisioner() = default;

int ThreadProvisioner::num_instances(steady_clock::time_point last_receive, int current,
                                     double rate_per_second) {
  const auto& o = impl_->options();
  const Duration quiet = steady_clock::now() - last_receive;
  if (quiet >= o.idle_after) return current - 1;
  if (current == 0) return 1;
  const double needed = std::ceil(rate_per_second / o.max_rate_per_handler);
  const int most = static_cast<int>(std::clamp(needed, 1.0, 1e6));
  // A rate that wavers around a multiple is no reason to go back and forth within a batch.
  const bool nearly = rate_per_second > kNearly * o.max_rate_per_handler * (current - 1);
  if (current > most && nearly) return current;
  if (current >= most) return most;
  const bool over = rate_per_second * to_seconds(quiet) >= kMissed;
  return over ? current : current + 1;
}

Result<InstanceId> ThreadProvisioner::start_instance(std::stop_token stop) {
  if (stop.stop_requested()) return fail(ErrorCode::kUnavailable, "the provisioner ends");
  return impl_->start();
}

Result<void> ThreadProvisioner::stop_instance(std::stop_token stop, const InstanceId& id) {
  (void)stop;  // it never waits
  return impl_->stop(id);
}

ThreadProvisioner::Stats ThreadProvisioner::stats() const { return impl_->stats(); }

}  // namespace docktor
