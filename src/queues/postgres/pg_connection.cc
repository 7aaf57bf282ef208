#include "queues/postgres/pg_connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <set>
#include <span>
#include <system_error>
#include <thread>

#include "core/text.h"
#include "os/backoff.h"
#include "os/bell.h"
#include "os/no_sigpipe.h"
#include "queues/postgres/framework.h"
#include "queues/postgres/pg_session.h"
#include "queues/postgres/pooler.h"
#include "queues/postgres/slow_statements.h"

namespace docktor {

namespace {

using std::chrono::steady_clock;

constexpr auto kConnect = std::chrono::seconds(5);
constexpr auto kCommand = std::chrono::seconds(2);
constexpr auto kListenAgain = std::chrono::seconds(30);  // after a refusal
constexpr auto kThreadEnds = std::chrono::seconds(3);
constexpr auto kLockWaitAgain = std::chrono::milliseconds(100);
constexpr auto kLongestPoll = std::chrono::seconds(60);

// A descriptor of -1 is left out. What ::poll() returns.
int poll_until(std::span<pollfd> fds, std::chrono::steady_clock::time_point until) {
  const auto left =
      std::clamp<std::chrono::steady_clock::duration>(until - steady_clock::now(), {}, kLongestPoll);
  return ::poll(fds.data(), fds.size(),
                static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
}

}  // namespace

int PgRows::column(std::string_view name) const {
  const auto found = std::ranges::find(columns, name);
  return found == columns.end() ? -1 : static_cast<int>(found - columns.begin());
}

PgLogin PgLogin::from(const PostgresSpec& spec) {
  return {.url = spec.url,
          .user = spec.user,
          .password = spec.password.value,
          .ca_file = spec.tls_ca_file,
          .cert_file = spec.tls_cert_file,
          .key_file = spec.tls_key_file,
          .tls = spec.tls,
          .tls_verify = spec.tls_verify,
          .scope = {}};
}

std::string PgLogin::key() const {
  std::string out;
  for (const auto* part : {&url, &user, &password, &ca_file, &cert_file, &key_file, &scope}) {
    out += *part;
    out += '\0';
  }
  out += tls ? 't' : '-';
  out += tls_verify ? 'v' : '-';
  return out;
}

// Outlives the connection where a name look-up holds up its thread, which touches nothing but this.
class PgConnection::Core final : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(PgLogin login) : login_(std::move(login)), shown_(redacted_url(login_.url)) {}

  void start() {
    thread_ = std::thread([self = shared_from_this()] { self->run(); });
  }

  void end() {
    std::unique_lock lock(mutex_);
    stop_ = true;
    bell_.ring();
    const bool ended = ended_cv_.wait_for(lock, kThreadEnds, [&] { return ended_; });
    auto waiting = std::exchange(tasks_, {});
    listeners_.clear();
    lock.unlock();
    if (ended)
      thread_.join();
    else
      thread_.detach();
    for (auto& task : waiting)
      task.done(fail(ErrorCode::kUnavailable, shown_ + ": the connection was closed", true));
  }

  void send(PgQuery query, Duration wait, SteadyTime deadline, Done done, Fill fill) {
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.size() < kMaxWaiting) {
        tasks_.push_back(
            {std::move(query), steady_clock::now() + wait, deadline, std::move(done), std::move(fill)});
        bell_.ring();
        return;
      }
    }
    done(fail(ErrorCode::kExhausted, "too many requests wait for an answer", true));
  }

  std::uint64_t listen(std::string channel, Listener listener) {
    const std::lock_guard lock(mutex_);
    listeners_[++last_listener_] = {std::move(channel), std::move(listener)};
    bell_.ring();
    return last_listener_;
  }

  void unlisten(std::uint64_t id) {
    Listening gone;  // ends without the lock
    const std::lock_guard lock(mutex_);
    const auto found = listeners_.find(id);
    if (found == listeners_.end()) return;
    gone = std::move(found->second);
    listeners_.erase(found);
    bell_.ring();
  }

  std::optional<PgServer> server() const {
    const std::lock_guard lock(mutex_);
    return server_;
  }

 private:
  struct Task {
    PgQuery query;
    SteadyTime due, deadline;
    Done done;
    Fill fill;
  };
  struct Listening {
    std::string channel;
    Listener listener;
    bool told_of = false;  // whether it is listened to now
  };

  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stop_;
  }

  void run() {
    no_sigpipe();
    while (!stopping()) {
      const auto now = steady_clock::now();
      if (!session_ && now >= retry_at_) connect();
      if (session_) hear();
      if (session_) keep_channels();
      if (!work()) rest();
    }
    session_.reset();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    ended_cv_.notify_all();
  }

  // Waits on behalf of the session. Those whose deadline comes meanwhile are told.
  bool wait(int fd, short events, SteadyTime until) {
    while (true) {
      const auto next = std::min(until, expire());
      pollfd fds[2] = {{fd, events, 0}, {bell_.fd(), POLLIN, 0}};
      const int n = poll_until(fds, next);
      bell_.silence();
      if (stopping()) return false;
      if ((n > 0 && fds[0].revents != 0) || steady_clock::now() >= until) return true;
    }
  }

  // Nothing to do: until something is due, comes, or is posted.
  void rest() {
    auto next = std::min(steady_clock::now() + std::chrono::seconds(60), expire());
    if (!session_) next = std::min(next, retry_at_);
    {
      const std::lock_guard lock(mutex_);
      if (session_) {
        for (const auto& t : tasks_) next = std::min(next, t.due);
      }
    }
    if (session_) next = std::min(next, listen_again_);
    pollfd fds[2] = {{bell_.fd(), POLLIN, 0}, {session_ ? session_->fd() : -1, POLLIN, 0}};
    (void)poll_until(fds, next);
    bell_.silence();
  }

  // Answers for those whose time is over; when that is so for the next one.
  SteadyTime expire() {
    const auto now = steady_clock::now();
    auto next = SteadyTime::max();
    std::vector<Task> late;
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(tasks_, [&](Task& t) {
        if (t.deadline > now) {
          next = std::min(next, t.deadline);
          return false;
        }
        late.push_back(std::move(t));
        return true;
      });
    }
    for (auto& t : late) {
      t.done(fail(ErrorCode::kTimeout,
                  session_
                      ? fmt::format("{}: no answer in time: the database is slow", session_->server().place)
                      : fmt::format("{}: no connection in time", shown_),
                  true));
    }
    return next;
  }

  void connect() {
    auto made = PgSession::connect(login_, steady_clock::now() + kConnect, waiter_);
    if (stopping()) return;
    if (!made) return lost(made.error());
    session_ = std::move(*made);
    up_since_ = steady_clock::now();
    listened_.clear();
    failed_.clear();
    listen_again_ = SteadyTime::max();
    pooled_.reset();
    const std::lock_guard lock(mutex_);
    server_ = session_->server();
  }

  // Everybody who waits is told; a while later it is tried again.
  void lost(const Error& why) {
    if (session_) {
      backoff_.was_up_since(up_since_);
      down_since_ = Time(std::chrono::system_clock::now().time_since_epoch());
      session_.reset();
    }
    why_ = why;
    if (down_since_) why_.message += fmt::format("; not connected since {}", clock_text(*down_since_));
    retry_at_ = steady_clock::now() + backoff_.next();
    std::deque<Task> waiting;
    std::vector<Listener> deaf;
    {
      const std::lock_guard lock(mutex_);
      server_.reset();
      waiting.swap(tasks_);
      for (auto& [id, l] : listeners_) {
        l.told_of = false;
        deaf.push_back(l.listener);
      }
    }
    for (auto& t : waiting) t.done(tl::unexpected(why_));
    for (const auto& l : deaf) l.gap(why_.message);
  }

  // The next statement that is due; false: none is.
  bool work() {
    Task task;
    {
      const std::lock_guard lock(mutex_);
      const auto now = steady_clock::now();
      const auto due = [&](const Task& t) { return !session_ || t.due <= now; };
      auto next =
          std::ranges::find_if(tasks_, [&](const Task& t) { return due(t) && !slow_.has(t.query.sql); });
      if (next == tasks_.end()) next = std::ranges::find_if(tasks_, due);
      if (next == tasks_.end()) return false;
      task = std::move(*next);
      tasks_.erase(next);
    }
    if (!session_) {
      task.done(tl::unexpected(why_));
      return true;
    }
    if (task.query.sql.empty()) {
      task.done(PgRows{});
      return true;
    }
    if (const auto why = slow_.put_off(task.query.sql, steady_clock::now())) {
      task.done(tl::unexpected(*why));
      return true;
    }
    if (slow_.has(task.query.sql)) task.query.lock_wait = kLockWaitAgain;
    if (task.fill) task.fill(task.query);
    const auto began = steady_clock::now();
    auto rows = session_->read(task.query, task.deadline, waiter_);
    const bool broken = session_->broken();
    const auto now = steady_clock::now();
    if (rows || broken || rows.error().code != ErrorCode::kTimeout)
      slow_.answered(task.query.sql);
    else
      rows = tl::unexpected(slow_.ended(task.query.sql, rows.error(), now - began, now));
    const auto why =
        rows ? Error{ErrorCode::kUnavailable, shown_ + ": the connection was lost", true} : rows.error();
    task.done(std::move(rows));
    if (broken && !stopping()) lost(why);
    return true;
  }

  void hear() {
    std::map<std::string, std::set<std::string>> heard;
    const auto there = session_->notifications([&](const std::string& channel, const std::string& what) {
      if (heard[channel].size() < 1000) heard[channel].insert(what);
    });
    if (!there) return lost(there.error());
    if (heard.empty()) return;
    std::vector<std::pair<Listener, std::string>> calls;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, l] : listeners_) {
        const auto found = heard.find(l.channel);
        if (found == heard.end()) continue;
        for (const auto& what : found->second) calls.emplace_back(l.listener, what);
      }
    }
    for (const auto& [listener, what] : calls) listener.told(what);
  }

  // Listens to what is wanted and to nothing else: a busy queue's channel has thousands a second.
  void keep_channels() {
    std::set<std::string> wanted;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, l] : listeners_) wanted.insert(l.channel);
    }
    if (steady_clock::now() >= listen_again_) {
      const std::lock_guard lock(mutex_);
      for (auto& [id, l] : listeners_) l.told_of = l.told_of && !failed_.contains(l.channel);
      failed_.clear();
      listen_again_ = SteadyTime::max();
    }
    const auto why_not = wanted.empty() ? std::optional(std::string()) : why_not_listen();
    if (!why_not) return;
    for (const auto& channel : wanted) {
      if (listened_.contains(channel) || failed_.contains(channel)) continue;
      if (!why_not->empty()) {
        failed_[channel] = *why_not;
        continue;
      }
      if (!tell("LISTEN ", channel)) return;
      if (!failed_.contains(channel)) listened_.insert(channel);
    }
    for (auto it = listened_.begin(); it != listened_.end();) {
      if (wanted.contains(*it)) {
        ++it;
        continue;
      }
      if (!tell("UNLISTEN ", *it)) return;
      it = listened_.erase(it);
    }
    std::vector<std::pair<Listener, std::string>> calls;  // with why nothing is heard
    {
      const std::lock_guard lock(mutex_);
      for (auto& [id, l] : listeners_) {
        if (l.told_of) continue;
        l.told_of = true;
        const auto deaf = failed_.find(l.channel);
        calls.emplace_back(l.listener, deaf == failed_.end() ? std::string() : deaf->second);
      }
    }
    for (const auto& [listener, why] : calls) {
      listener.gap(why);
      if (why.empty()) listener.ready();
    }
  }

  // Empty: nothing speaks against it. Where the process that serves us is another than the one that we were told of, a session of
  // the server's is ours for one transaction, and what is listened to in it an application hears. A server that does not answer
  // is asked again after a while. No value: the connection is lost.
  std::optional<std::string> why_not_listen() {
    if (!pooled_) {
      const auto rows = session_->read({.sql = kServedBy}, steady_clock::now() + kCommand, waiter_);
      if (!rows && session_->broken()) {
        if (!stopping()) lost(rows.error());
        return std::nullopt;
      }
      if (!rows) {
        listen_again_ = steady_clock::now() + kListenAgain;
        return rows.error().message;
      }
      pooled_ = behind_pooler(*rows, session_->server());
    }
    return *pooled_ ? kPooled : std::string();
  }

  // False: the connection is lost. A server that refuses (a standby) is asked again after a while.
  bool tell(const std::string& what, const std::string& channel) {
    const auto done =
        session_->command(what + pg_identifier(channel), steady_clock::now() + kCommand, waiter_);
    if (done) return true;
    if (session_->broken()) {
      if (!stopping()) lost(done.error());
      return false;
    }
    failed_[channel] = done.error().message;
    listen_again_ = steady_clock::now() + kListenAgain;
    return true;
  }

  const PgLogin login_;
  const std::string shown_;
  const Bell bell_{"a queue's connection cannot be made"};  // rings when something was posted

  mutable std::mutex mutex_;  // guards the next seven
  std::condition_variable ended_cv_;
  bool stop_ = false, ended_ = false;
  std::deque<Task> tasks_;
  std::map<std::uint64_t, Listening> listeners_;
  std::uint64_t last_listener_ = 0;
  std::optional<PgServer> server_;

  // The rest belongs to the thread.
  const PgSession::Wait waiter_ = [this](int fd, short events, SteadyTime until) {
    return wait(fd, events, until);
  };
  std::unique_ptr<PgSession> session_;
  SteadyTime up_since_{}, retry_at_{};
  SteadyTime listen_again_ = SteadyTime::max();
  std::optional<bool> pooled_;  // of this session, once it was looked for
  std::set<std::string> listened_;
  std::map<std::string, std::string> failed_;  // with the reason
  Backoff backoff_{std::chrono::milliseconds(100), std::chrono::seconds(5)};
  Error why_;
  SlowStatements slow_;
  std::optional<Time> down_since_;  // it was up before
  std::thread thread_;
};

PgConnection::PgConnection(PgLogin login) : core_(std::make_shared<Core>(std::move(login))) {
  core_->start();
}

PgConnection::~PgConnection() { core_->end(); }

void PgConnection::send(PgQuery query, Duration wait, SteadyTime deadline, Done done, Fill fill) {
  core_->send(std::move(query), wait, deadline, std::move(done), std::move(fill));
}

void PgConnection::after(Duration wait, std::function<void()> task) {
  send({}, wait, SteadyTime::max(), [task = std::move(task)](const Result<PgRows>&) { task(); });
}

Result<PgRows> PgConnection::call(PgQuery query, Duration timeout) {
  auto promise = std::make_shared<std::promise<Result<PgRows>>>();
  auto future = promise->get_future();
  send(std::move(query), Duration::zero(), steady_clock::now() + timeout,
       [promise](Result<PgRows> r) { promise->set_value(std::move(r)); });
  return future.get();
}

std::uint64_t PgConnection::listen(std::string channel, Listener listener) {
  return core_->listen(std::move(channel), std::move(listener));
}

void PgConnection::unlisten(std::uint64_t id) { core_->unlisten(id); }

std::optional<PgServer> PgConnection::server() const { return core_->server(); }

std::shared_ptr<PgConnection> PgConnections::get(const PgLogin& login) {
  const auto key = login.key();
  const std::lock_guard lock(mutex_);
  std::erase_if(connections_, [](const auto& c) { return c.second.expired(); });
  for (const auto& [known, weak] : connections_) {
    if (known != key) continue;
    if (auto connection = weak.lock()) return connection;
  }
  auto connection = std::make_shared<PgConnection>(login);
  connections_.emplace_back(key, connection);
  return connection;
}

}  // namespace docktor
