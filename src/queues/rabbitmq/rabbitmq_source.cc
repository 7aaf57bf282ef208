#include "queues/rabbitmq/rabbitmq_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "core/text.h"
#include "queues/rabbitmq/rabbitmq_check.h"

namespace docktor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What the API said stays good for so long where it does not answer; then it is no data.
constexpr Duration kFiguresGood = std::chrono::seconds(15);
// A first sample waits for the API, but leaves time for an answer without it.
constexpr Duration kMargin = milliseconds(200);
constexpr Duration kMoment = milliseconds(1);

}  // namespace

// The source's state. It outlives the source where a callback still holds it; then it is closed.
class RabbitSource::Core final : public std::enable_shared_from_this<Core> {
 public:
  Core(RabbitServer& server, const RabbitSpec& spec) : server_(server), spec_(spec), maker_(spec.queue) {
    if (spec_.management != Management::kOff) server_.management.follow(spec_.queue);
  }

  void read(Duration timeout, std::function<void(Result<Reading>)> done) {
    std::uint64_t id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ++next_;
      reads_.emplace(id, std::move(done));
    }
    const auto deadline = steady_clock::now() + timeout;
    server_.amqp.declare(spec_.queue, timeout, [self = shared_from_this(), id, deadline](Result<Declared> d) {
      if (!self->enter()) return;
      if (d) {
        d->at = steady_clock::now();
        self->declared(id, *d, deadline);
      } else {
        self->answer(id, self->explained(d.error()));
      }
      self->leave();
    });
  }

  void watch(std::function<void()> on_message) {
    std::optional<AmqpConnection::WatchId> before;
    {
      const std::lock_guard lock(mutex_);
      before = std::exchange(watch_, std::nullopt);
    }
    if (before) server_.amqp.unwatch(*before);
    if (!on_message) return;
    auto call = [weak = weak_from_this(), on_message = std::move(on_message)] {
      const auto self = weak.lock();
      if (!self || !self->enter()) return;
      on_message();
      self->leave();
    };
    const auto id = server_.amqp.watch(spec_.queue, std::move(call));
    const std::lock_guard lock(mutex_);
    watch_ = id;
  }

  std::string unfit() const {
    const std::lock_guard lock(mutex_);
    return unfit_;
  }

  void close() {
    watch({});
    std::unique_lock lock(mutex_);
    closed_ = true;
    left_.wait(lock, [&] { return inside_ == 0; });
    auto left = std::exchange(reads_, {});
    lock.unlock();
    for (auto& [id, done] : left) done(fail(ErrorCode::kUnavailable, "the source was closed", true));
    if (spec_.management != Management::kOff) server_.management.unfollow(spec_.queue);
  }

 private:
  Error explained(Error e) const {
    if (e.code == ErrorCode::kNotFound)
      e.message =
          fmt::format("{} (virtual host {} of {})", e.message, spec_.address.vhost, server_.amqp.shown());
    return e;
  }

  void declared(std::uint64_t id, const Declared& d, steady_clock::time_point deadline) {
    if (spec_.management == Management::kOff) return finish(id, d, std::nullopt);
    const auto now = d.at;
    std::optional<KnownFigures> known;
    bool answers = false;
    {
      const std::lock_guard lock(mutex_);
      known = known_;
      answers = api_answers_;
    }
    const bool fresh = maker_.needs_fresh(d, known);  // reads come one after the other, and so do these
    const auto not_before = fresh ? now : now - kFiguresGood;
    // Nobody waits for an API that did not answer the last time, but where a zero depends on it.
    const auto until = answers || fresh ? deadline - kMargin : now;
    server_.management.figures(
        spec_.queue, not_before, std::max(until, now + kMoment),
        [self = shared_from_this(), id, d](Result<KnownFigures> f) { self->finish(id, d, std::move(f)); });
  }

  void finish(std::uint64_t id, const Declared& d, std::optional<Result<KnownFigures>> figures) {
    const auto now = steady_clock::now();
    std::optional<KnownFigures> known;
    {
      const std::lock_guard lock(mutex_);
      if (figures) api_answers_ = figures->has_value();
      if (figures && *figures) {
        known_ = **figures;
        unfit_ = why_unfit_for_zero(known_->figures, spec_.queue);
      }
      if (known_ && now - known_->asked > kFiguresGood) known_.reset();
      known = known_;
    }
    if (!known && spec_.management == Management::kRequired && figures) return answer(id, figures->error());
    const auto unix_now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    auto sample = maker_.make(now, unix_now, d, known);
    if (!sample) return answer(id, sample.error());
    Reading reading;
    reading.queue = std::move(*sample);
    answer(id, std::move(reading));
  }

  void answer(std::uint64_t id, Result<Reading> result) {
    std::function<void(Result<Reading>)> done;
    {
      const std::lock_guard lock(mutex_);
      const auto it = reads_.find(id);
      if (closed_ || it == reads_.end()) return;
      done = std::move(it->second);
      reads_.erase(it);
      ++inside_;
    }
    done(std::move(result));
    leave();
  }

  // While somebody is inside, the server lives: close() waits for him.
  bool enter() {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    ++inside_;
    return true;
  }

  void leave() {
    {
      const std::lock_guard lock(mutex_);
      --inside_;
    }
    left_.notify_all();
  }

  RabbitServer& server_;  // outlives the source, and with it all that is inside
  const RabbitSpec spec_;
  SampleMaker maker_;  // of the read under way: there is at most one

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable left_;
  std::map<std::uint64_t, std::function<void(Result<Reading>)>> reads_;
  std::uint64_t next_ = 0;
  int inside_ = 0;  // callbacks that run now
  bool closed_ = false;
  bool api_answers_ = true;
  std::optional<AmqpConnection::WatchId> watch_;
  std::optional<KnownFigures> known_;
  std::string unfit_;
};

RabbitSource::RabbitSource(std::shared_ptr<RabbitServer> server, Options options)
    : server_(std::move(server)),
      options_(std::move(options)),
      core_(std::make_shared<Core>(*server_, options_.spec)) {}

RabbitSource::~RabbitSource() { core_->close(); }

void RabbitSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  core_->read(request.timeout, std::move(done));
}

void RabbitSource::watch(std::function<void()> on_message) { core_->watch(std::move(on_message)); }

std::string RabbitSource::watch_gap() const {
  return fmt::format("RabbitMQ tells nobody of new messages: the queue is looked at every {}",
                     short_duration(server_->amqp.watch_interval()));
}

std::string RabbitSource::unfit_for_zero() const { return core_->unfit(); }

std::vector<Finding> RabbitSource::check(Duration timeout) {
  return check_rabbit_queue(*server_, options_.spec, options_.may_reach_zero, options_.needs_flow, timeout);
}

}  // namespace docktor
