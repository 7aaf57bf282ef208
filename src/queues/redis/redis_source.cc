#include "queues/redis/redis_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <utility>

#include "os/gate.h"
#include "queues/redis/cluster_check.h"

namespace docktor {

namespace {

using std::chrono::steady_clock;

Time unix_now() { return Time(std::chrono::system_clock::now().time_since_epoch()); }

constexpr int kMaxSteps = 8;  // of one reading

}  // namespace

// It outlives the source where a callback still holds it; then its gates are closed.
class RedisSource::Core final : public std::enable_shared_from_this<Core> {
 public:
  Core(RedisRouter& router, StreamWake& wake, std::unique_ptr<Layout> layout)
      : router_(router), wake_(wake), layout_(std::move(layout)) {}

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
    const auto deadline = steady_clock::now() + request.timeout;
    std::uint64_t id = 0;
    Layout::Commands commands;
    {
      const std::lock_guard lock(mutex_);
      id = ++reading_;
      done_ = std::move(done);
      commands = layout_->begin(unix_now());
    }
    ask(id, std::move(commands), deadline, kMaxSteps);
  }

  void watch(std::function<void()> on_message) {
    const bool start = static_cast<bool>(on_message);
    {
      const std::lock_guard lock(mutex_);
      on_message_.swap(on_message);  // the old one ends without the lock
      wanted_ = start;
    }
    if (start)
      arm();
    else
      disarm();
  }

  std::string gap() const {
    const std::lock_guard lock(mutex_);
    return layout_->wakes().empty() ? std::string("Redis tells nobody of a new job in this queue") : gap_;
  }
  std::string unfit() const {
    const std::lock_guard lock(mutex_);
    return layout_->unfit_for_zero();
  }

  void close() {
    reads_.close();
    wakes_.close();
    std::function<void(Result<Reading>)> done;
    std::function<void()> watcher;
    {
      const std::lock_guard lock(mutex_);
      done.swap(done_);
      watcher.swap(on_message_);
      wanted_ = false;
    }
    disarm();
    if (done) done(fail(ErrorCode::kUnavailable, "the source was closed", true));
  }

 private:
  void ask(std::uint64_t id, Layout::Commands commands, steady_clock::time_point deadline, int steps) {
    router_.send(std::move(commands), deadline,
                 [weak = weak_from_this(), id, deadline, steps](const Result<RedisAnswer>& answer) {
                   if (const auto self = weak.lock()) self->answered(id, answer, deadline, steps - 1);
                 });
  }

  void answered(std::uint64_t id, const Result<RedisAnswer>& answer, steady_clock::time_point deadline,
                int steps) {
    reads_.pass([&] {
      Result<Reading> reading;
      {
        const std::lock_guard lock(mutex_);
        if (id != reading_ || !done_) return;  // of a reading that is over
        auto step = answer ? layout_->next(*answer) : tl::unexpected(answer.error());
        if (!step) {
          reading = tl::unexpected(step.error());
        } else if (auto* sample = std::get_if<QueueSample>(&*step)) {
          reading->queue = std::move(*sample);
          reading->note = answer->server->note.empty() ? layout_->note() : answer->server->note;
        } else if (steps > 0) {
          ask(id, std::move(std::get<Layout::Commands>(*step)), deadline, steps);
          return;
        } else {
          reading = fail(ErrorCode::kInternal, "the queue takes too many steps to read");
        }
      }
      std::function<void(Result<Reading>)> done;
      {
        const std::lock_guard lock(mutex_);
        done.swap(done_);
      }
      arm();  // of a stream that was not there before, or behind what is known now
      if (done) done(std::move(reading));
    });
  }

  // Nothing to do where it is armed, or nobody waits.
  void arm() {
    const std::lock_guard lock(mutex_);
    if (!wanted_ || !watches_.empty()) return;
    try {
      arm_all();
    } catch (const std::system_error& error) {  // no thread, no descriptor: the next reading tries again
      gap_ = fmt::format("no connection to wait with: {}", error.what());
    }
  }

  void arm_all() {  // mutex_ is held
    const bool cluster = router_.cluster().has_value();
    for (const auto& wake : layout_->wakes()) {
      watches_.push_back(wake_.watch(wake.stream, wake.after, cluster,
                                     {[weak = weak_from_this()] {
                                        if (const auto self = weak.lock()) self->fired();
                                      },
                                      [weak = weak_from_this()](std::string why) {
                                        const auto self = weak.lock();
                                        if (!self) return;
                                        const std::lock_guard inner(self->mutex_);
                                        self->gap_ = std::move(why);
                                      }}));
    }
  }

  void disarm() {
    std::vector<std::uint64_t> ids;
    {
      const std::lock_guard lock(mutex_);
      ids.swap(watches_);
    }
    for (const auto id : ids) wake_.unwatch(id);
  }

  void fired() {
    wakes_.pass([&] {
      std::function<void()> call;
      {
        const std::lock_guard lock(mutex_);
        call.swap(on_message_);
        wanted_ = false;
      }
      disarm();
      if (call) call();
    });
  }

  RedisRouter& router_;  // both outlive the source, and are not used behind closed gates
  StreamWake& wake_;
  Gate reads_;  // callbacks of the one thread
  Gate wakes_;  // and of the other

  mutable std::mutex mutex_;  // guards the rest
  const std::unique_ptr<Layout> layout_;
  std::uint64_t reading_ = 0;
  std::function<void(Result<Reading>)> done_;
  std::function<void()> on_message_;
  bool wanted_ = false;
  std::vector<std::uint64_t> watches_;  // armed
  std::string gap_;
};

RedisSource::RedisSource(std::shared_ptr<RedisRouter> router, std::shared_ptr<StreamWake> wake,
                         RedisSpec spec)
    : spec_(std::move(spec)),
      router_(std::move(router)),
      wake_(std::move(wake)),
      core_(std::make_shared<Core>(*router_, *wake_, make_layout(spec_))) {}

RedisSource::~RedisSource() { core_->close(); }

void RedisSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  core_->read(request, std::move(done));
}

void RedisSource::watch(std::function<void()> on_message) { core_->watch(std::move(on_message)); }

std::string RedisSource::watch_gap() const { return core_->gap(); }

std::string RedisSource::unfit_for_zero() const { return core_->unfit(); }

std::vector<Finding> RedisSource::check(Duration timeout) {
  const auto deadline = steady_clock::now() + timeout;
  const Layout::Ask ask = [&](Layout::Commands commands) {
    return router_->call(std::move(commands),
                         std::max<Duration>(deadline - steady_clock::now(), std::chrono::milliseconds(1)));
  };
  const auto there = ask({{"PING"}});
  if (!there) return {{Severity::kError, there.error().message, {}}};
  const auto& server = *there->server;
  const bool cluster = router_->cluster().has_value();
  std::vector<Finding> out;
  out.push_back(
      {Severity::kOk,
       fmt::format("{} answers ({}database {})", server.place,
                   server.version.empty() ? "" : fmt::format("Redis {}, ", server.version), server.db),
       {}});
  if (cluster) {
    (void)ask({{"PING"}});  // behind the answer to who has which slot
    for (auto& f : cluster_findings(*router_->cluster(), spec_)) out.push_back(std::move(f));
  } else if (server.role == "slave") {
    out.push_back(
        {Severity::kWarning,
         fmt::format("{} is a replica: what it tells may be late, and it does not know the lag of a group",
                     server.place),
         "write the master's address, or the sentinels' with queue.sentinel"});
  }
  if (server.run_id.empty()) {
    out.push_back(
        {Severity::kWarning,
         fmt::format("{} tells nothing of itself (INFO): docktor knows no restart, no version, and not "
                     "whether it is a replica",
                     server.place),
         "where this user may not ask, allow it: ACL SETUSER NAME +info"});
  }
  const auto layout = make_layout(spec_);
  for (auto& f : layout->look(ask)) out.push_back(std::move(f));
  for (const auto& wake : layout->wakes()) {
    const auto read = ask({{"XREAD", "COUNT", "1", "STREAMS", wake.stream, "$"}});
    if (!read || !read->replies.front().is_error("NOPERM")) continue;
    out.push_back({Severity::kWarning,
                   "this user may not use XREAD: at zero replicas docktor polls instead of waking at once",
                   "allow it: ACL SETUSER NAME +xread"});
    break;
  }
  return out;
}

}  // namespace docktor
