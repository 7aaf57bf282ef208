#include "queues/postgres/postgres_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <utility>

#include "os/gate.h"
#include "queues/postgres/figures.h"
#include "queues/postgres/postgres_check.h"

namespace docktor {

namespace {

using std::chrono::steady_clock;

constexpr auto kLook = std::chrono::seconds(5);          // a look after a notification takes no longer
constexpr auto kApart = std::chrono::milliseconds(100);  // between two: a busy channel has thousands a second

}  // namespace

// It outlives the source where a callback still holds it; then its gate is closed.
class PostgresSource::Core final : public std::enable_shared_from_this<Core> {
 public:
  Core(PgConnection& connection, std::shared_ptr<FrameworkTable> table, PostgresSpec spec)
      : connection_(connection),
        table_(std::move(table)),
        framework_(pg_framework_named(spec.framework)),
        spec_(std::move(spec)) {
    if (table_) table_->add(spec_.queues);
  }
  ~Core() {
    if (table_) table_->remove(spec_.queues);
  }

  using Sampled = std::function<void(Result<QueueSample>)>;

  void sample(steady_clock::time_point deadline, Sampled done) {
    if (table_) {
      table_->ask(connection_, deadline,
                  [weak = weak_from_this(), done = std::move(done)](const auto& snapshot) {
                    const auto self = weak.lock();
                    if (!self) return done(fail(ErrorCode::kUnavailable, "the source was closed", true));
                    done(snapshot ? self->sample_of(**snapshot) : tl::unexpected(snapshot.error()));
                  });
      return;
    }
    connection_.send({.sql = wrapped_query(spec_.query)}, Duration::zero(), deadline,
                     [claim_after = spec_.claim_after, done = std::move(done)](const Result<PgRows>& rows) {
                       auto s = rows ? sample_of_query(*rows) : tl::unexpected(rows.error());
                       if (s) s->redelivered_after = claim_after;
                       done(std::move(s));
                     });
  }

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
    std::uint64_t id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ++reading_;
      done_ = std::move(done);
    }
    sample(steady_clock::now() + request.timeout, [weak = weak_from_this(), id](Result<QueueSample> s) {
      if (const auto self = weak.lock()) self->answered(id, std::move(s));
    });
  }

  void watch(std::function<void()> on_message) {
    const bool start = static_cast<bool>(on_message);
    {
      const std::lock_guard lock(mutex_);
      on_message_.swap(on_message);  // the old one ends without the lock
    }
    disarm();
    if (start) arm();
  }

  std::string gap() const {
    if (!has_channel())
      return framework_ ? fmt::format("{} tells nobody of a new job", framework_->shown)
                        : "without queue.listen nothing tells of a new job";
    const std::lock_guard lock(mutex_);
    if (!deaf_.empty() || !framework_ || !spec_.listen.empty()) return deaf_;
    return std::string(framework_->hole);
  }

  void close() {
    gate_.close();
    std::function<void(Result<Reading>)> done;
    std::function<void()> watcher;
    {
      const std::lock_guard lock(mutex_);
      done.swap(done_);
      watcher.swap(on_message_);
    }
    disarm();
    if (done) done(fail(ErrorCode::kUnavailable, "the source was closed", true));
  }

 private:
  bool has_channel() const { return !spec_.listen.empty() || (framework_ && !framework_->channel.empty()); }

  void answered(std::uint64_t id, Result<QueueSample> sample) {
    gate_.pass([&] {
      std::function<void(Result<Reading>)> done;
      {
        const std::lock_guard lock(mutex_);
        if (id != reading_) return;
        done.swap(done_);
      }
      if (!done) return;
      if (!sample) return done(tl::unexpected(sample.error()));
      rearm();
      Reading reading;
      reading.queue = std::move(*sample);
      done(std::move(reading));
    });
  }

  // Of the service's queues, or of all.
  Result<QueueSample> sample_of(const PgSnapshot& snapshot) {
    QueueSample out;
    out.redelivered_after = spec_.claim_after;
    std::uint64_t in_hand = 0, scheduled = 0, retries = 0, added = 0, dead = 0, paused = 0, queues = 0;
    bool told_in_hand = true, told_scheduled = true, told_added = true, told_dead = framework_->tells_dead();
    std::optional<double> oldest;
    const auto take = [&](const PgQueueFigures& f) {
      ++queues;
      paused += f.paused;
      if (!f.paused) {
        out.num_pending += f.backlog;
        if (f.oldest_age) oldest = std::max(oldest.value_or(0), *f.oldest_age);
      }
      told_in_hand = told_in_hand && f.in_hand;
      told_scheduled = told_scheduled && f.scheduled;
      told_added = told_added && f.added;
      told_dead = told_dead && f.dead;
      in_hand += f.in_hand.value_or(0);
      scheduled += f.scheduled.value_or(0);
      retries += f.retries.value_or(0);
      added += f.added.value_or(0);
      dead += f.dead.value_or(0);
    };
    for (const auto& name : spec_.queues) {
      const auto found = snapshot.queues.find(name);
      if (found != snapshot.queues.end())
        take(found->second);
      else if (snapshot.others)
        take(*snapshot.others);
      else
        return fail(ErrorCode::kNotFound,
                    fmt::format("queue {} is not there yet in {}", name, framework_->shown), true);
    }
    if (spec_.queues.empty()) {
      for (const auto& [name, f] : snapshot.queues) take(f);
      // What holds where there is no job at all; and arrivals, where only those of all together are counted.
      if (snapshot.others) {
        told_in_hand = told_in_hand && snapshot.others->in_hand;
        told_dead = told_dead && snapshot.others->dead;
        if (framework_->id_queue.empty()) {
          told_added = snapshot.others->added.has_value();
          added = snapshot.others->added.value_or(0);
        }
      }
    }
    out.num_ack_pending = told_in_hand ? std::optional(in_hand) : std::nullopt;
    if (told_scheduled) out.scheduled = scheduled;
    if (told_dead) out.dead = dead;
    if (oldest) out.oldest_age = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*oldest));
    if (queues > 0 && paused == queues)
      out.paused = fmt::format("queue {} is paused in {}", spec_.what(), framework_->shown);
    if (!told_added || !framework_->tells_arrivals(spec_.queues.empty())) return out;
    // A job that waits for its time has come when that is over; one that failed and waits for its next try came before. One
    // that a worker puts off (a snooze) looks as if it had not: the total stands still until that is made up for.
    const auto come = static_cast<std::int64_t>(added + retries) - static_cast<std::int64_t>(scheduled);
    const std::lock_guard lock(mutex_);
    if (snapshot.incarnation != incarnation_ || paused != paused_ || added < added_) {
      incarnation_ = snapshot.incarnation;
      paused_ = paused;
      come_base_ = come;
      arrived_ = 0;
      ++windows_;
    }
    added_ = added;
    arrived_ = std::max(arrived_, come - come_base_);
    out.totals.arrived = static_cast<std::uint64_t>(arrived_);
    out.totals.incarnation = fmt::format("{} {}", incarnation_, windows_);
    out.totals.upper_bound = framework_->id_queue.empty();
    return out;
  }

  void arm() {
    if (!has_channel()) return;
    if (!spec_.listen.empty()) return listen_to(spec_.listen);
    const std::string channel(framework_->channel);
    const auto schema = spec_.schema.empty() ? std::string(framework_->schema) : spec_.schema;
    if (const auto name = channel.find("$Q"); name != std::string::npos) {
      for (auto q : spec_.queues) {
        std::ranges::transform(q, q.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
        listen_to(with_schema(std::string(channel).replace(name, 2, q), *framework_, schema));
      }
      return;
    }
    if (channel.find("$N") == std::string::npos || !schema.empty())
      return listen_to(with_schema(channel, *framework_, schema));
    // The search path decides: the server knows. Where it does not answer the next good reading asks again.
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(arming_, true)) return;
    }
    connection_.send(
        {.sql = "select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                "where c.oid = to_regclass($1)",
         .parameters = {std::string(framework_->table())}},
        Duration::zero(), steady_clock::now() + kLook,
        [weak = weak_from_this(), channel](const Result<PgRows>& rows) {
          const auto self = weak.lock();
          if (!self) return;
          self->gate_.pass([&] {
            {
              const std::lock_guard lock(self->mutex_);
              self->arming_ = false;
              if (!self->on_message_ || !rows || rows->rows.empty() || !rows->rows.front().front()) return;
            }
            self->listen_to(with_schema(channel, *self->framework_, *rows->rows.front().front()));
          });
        });
  }

  // Of tables that were not there, or a server that did not answer, when the watch began.
  void rearm() {
    {
      const std::lock_guard lock(mutex_);
      if (!on_message_ || !listening_.empty()) return;
    }
    arm();
  }

  void listen_to(const std::string& channel) {
    const auto weak = weak_from_this();
    const auto id =
        connection_.listen(channel, {.ready =
                                         [weak] {
                                           if (const auto self = weak.lock()) self->look();
                                         },
                                     .told =
                                         [weak](const std::string& what) {
                                           if (const auto self = weak.lock(); self && self->may_be_ours(what))
                                             self->look();
                                         },
                                     .gap =
                                         [weak](std::string why) {
                                           const auto self = weak.lock();
                                           if (!self) return;
                                           const std::lock_guard lock(self->mutex_);
                                           self->deaf_ = std::move(why);
                                         }});
    const std::lock_guard lock(mutex_);
    listening_.push_back(id);
  }

  // River and Oban say which queue it is: {"queue":"mail"}.
  bool may_be_ours(const std::string& what) const {
    if (spec_.queues.empty() || what.find("\"queue\"") == std::string::npos) return true;
    return std::ranges::any_of(
        spec_.queues, [&](const std::string& q) { return what.find('"' + q + '"') != std::string::npos; });
  }

  void disarm() {
    std::vector<std::uint64_t> ids;
    {
      const std::lock_guard lock(mutex_);
      ids.swap(listening_);
    }
    for (const auto id : ids) connection_.unlisten(id);
  }

  // Whether there is work: a notification may be another queue's. What comes during a look is looked for once more, a
  // while later.
  void look() {
    gate_.pass([&] {
      {
        const std::lock_guard lock(mutex_);
        look_again_ = looking_;
        if (looking_ || !on_message_) return;
        looking_ = true;
      }
      sample(steady_clock::now() + kLook, [weak = weak_from_this()](const Result<QueueSample>& s) {
        if (const auto self = weak.lock()) self->looked(s && s->num_pending > 0);
      });
    });
  }

  void looked(bool work) {
    if (work) fire();
    gate_.pass([&] {
      {
        const std::lock_guard lock(mutex_);
        looking_ = false;
        if (!std::exchange(look_again_, false) || !on_message_) return;
      }
      connection_.after(kApart, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->look();
      });
    });
  }

  void fire() {
    gate_.pass([&] {
      std::function<void()> call;
      {
        const std::lock_guard lock(mutex_);
        call.swap(on_message_);
      }
      disarm();
      if (call) call();
    });
  }

  PgConnection& connection_;  // outlives the source, and is not used behind a closed gate
  const std::shared_ptr<FrameworkTable> table_;
  const PgFramework* const framework_;  // nullptr: a query
  const PostgresSpec spec_;
  Gate gate_;  // callbacks of the connection's thread

  mutable std::mutex mutex_;  // guards the rest
  std::uint64_t reading_ = 0;
  std::function<void(Result<Reading>)> done_;
  std::function<void()> on_message_;
  std::vector<std::uint64_t> listening_;
  bool arming_ = false, looking_ = false, look_again_ = false;
  std::string deaf_;
  std::string incarnation_;
  std::uint64_t paused_ = 0, added_ = 0;
  std::int64_t come_base_ = 0, arrived_ = 0;
  int windows_ = 0;
};

PostgresSource::PostgresSource(std::shared_ptr<PgConnection> connection,
                               std::shared_ptr<FrameworkTable> table, PostgresSpec spec)
    : spec_(std::move(spec)),
      connection_(std::move(connection)),
      core_(std::make_shared<Core>(*connection_, std::move(table), spec_)) {}

PostgresSource::~PostgresSource() { core_->close(); }

void PostgresSource::read(const ReadRequest& request, std::function<void(Result<Reading>)> done) {
  core_->read(request, std::move(done));
}

void PostgresSource::watch(std::function<void()> on_message) { core_->watch(std::move(on_message)); }

std::string PostgresSource::watch_gap() const { return core_->gap(); }

std::vector<Finding> PostgresSource::check(Duration timeout) {
  const auto deadline = steady_clock::now() + timeout;
  const auto left = [deadline] {
    return std::max<Duration>(deadline - steady_clock::now(), std::chrono::milliseconds(1));
  };
  return check_postgres(
      {.spec = spec_,
       .ask = [&](PgQuery query) { return connection_->call(std::move(query), left()); },
       .server = [&] { return connection_->server(); },
       .sample =
           [&] {
             auto promise = std::make_shared<std::promise<Result<QueueSample>>>();
             auto future = promise->get_future();
             core_->sample(deadline, [promise](Result<QueueSample> s) { promise->set_value(std::move(s)); });
             return future.get();
           }});
}

}  // namespace docktor
