#include "queues/redis/redis_connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/text.h"
#include "os/no_sigpipe.h"

namespace docktor {

namespace {

using std::chrono::steady_clock;

constexpr auto kAttemptEnds = std::chrono::seconds(3);
constexpr auto kRoleAge =
    std::chrono::milliseconds(900);  // no sample of a second's interval rests on an older one

Time wall_now() { return Time(std::chrono::system_clock::now().time_since_epoch()); }

// What was a master when docktor knew it first is not what people wrote down. Who names a replica knows it.
void tell_of_replica(RedisServer& server, const std::optional<Time>& master_at) {
  if (!master_at) return;
  server.note = fmt::format(
      "{} was a master until {} and is a replica of {} now: what it tells may be late; write the master's "
      "address in queue.url, or the sentinels' with queue.sentinel",
      server.place, clock_text(*master_at), server.master);
}

Error lost_its_master(const RedisServer& server) {
  return {ErrorCode::kUnavailable,
          fmt::format("{} is a replica that has no connection to its master {}: what it has may be old",
                      server.place, server.master),
          true};
}

}  // namespace

// One attempt to connect, on a thread of its own, since a name look-up blocks. The connection may go away meanwhile:
// then the result is thrown away.
struct RedisConnection::Attempt {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  bool abandoned = false;
  std::optional<Result<RedisLogin>> result;
  std::thread thread;
};

RedisConnection::RedisConnection(RedisLoginOptions options)
    : options_(std::move(options)),
      shown_(options_.shown()),
      wake_(std::make_shared<const Bell>("a queue's connection cannot be made")),
      thread_([this] { run(); }) {}

RedisConnection::~RedisConnection() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_->ring();
  thread_.join();
}

void RedisConnection::send(std::vector<RedisCommand> commands, SteadyTime deadline, Done done) {
  Batch batch;
  batch.wanted = commands.size();
  batch.commands = std::move(commands);
  batch.deadline = deadline;
  batch.done = std::move(done);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(batch));
  }
  if (first) wake_->ring();
}

void RedisConnection::after(Duration wait, std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    timers_.emplace(steady_clock::now() + wait, std::move(task));
  }
  wake_->ring();
}

void RedisConnection::run_timers(SteadyTime now) {
  while (true) {
    std::function<void()> task;
    {
      const std::lock_guard lock(mutex_);
      if (timers_.empty() || timers_.begin()->first > now) return;
      task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
    }
    task();
  }
}

void RedisConnection::run() {
  no_sigpipe();
  start_attempt();
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) break;
    }
    if (state_ == State::kUp) write();
    pollfd fds[2] = {{wake_->fd(), POLLIN, 0}, {-1, 0, 0}};
    if (socket_) fds[1] = {socket_->fd(), static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT)), 0};
    (void)::poll(fds, socket_ ? 2 : 1, poll_ms(steady_clock::now()));
    wake_->silence();
    if (attempt_) end_attempt();
    take_posted();
    if (socket_ && fds[1].revents != 0) read();
    const auto now = steady_clock::now();
    expire(now);
    run_timers(now);
    if (state_ == State::kDown && !attempt_ && now >= retry_at_) start_attempt();
  }
  if (attempt_) {
    std::unique_lock lock(attempt_->mutex);
    attempt_->abandoned = true;
    // A name look-up cannot be interrupted: after a while the thread is left alone; it touches nothing of ours.
    const bool ended = attempt_->ended.wait_for(lock, kAttemptEnds, [&] { return attempt_->done; });
    lock.unlock();
    if (!ended)
      attempt_->thread.detach();
    else if (attempt_->thread.joinable())
      attempt_->thread.join();
  }
  take_posted();
  lost({ErrorCode::kUnavailable, fmt::format("{}: the connection was closed", shown_), true});
}

int RedisConnection::poll_ms(SteadyTime now) {
  auto next = now + std::chrono::seconds(60);
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || !posted_.empty()) return 0;
    if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
  }
  for (const auto* batches : {&waiting_, &in_flight_}) {
    for (const auto& b : *batches) {
      if (b.done) next = std::min(next, b.deadline);
    }
  }
  if (state_ == State::kDown && !attempt_) next = std::min(next, retry_at_);
  return static_cast<int>(
      std::max<long long>(0, std::chrono::ceil<std::chrono::milliseconds>(next - now).count()));
}

void RedisConnection::take_posted() {
  std::deque<Batch> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (auto& batch : posted) {
    if (state_ == State::kDown) {
      complete(batch, tl::unexpected(why_down()));
    } else if (waiting_.size() + in_flight_.size() >= kMaxBatches) {
      complete(batch, fail(ErrorCode::kExhausted, "too many requests wait for an answer", true));
    } else if (batch.wanted == 0) {
      complete(batch, RedisAnswer{{}, server_});
    } else {
      waiting_.push_back(std::move(batch));
    }
  }
}

void RedisConnection::start_attempt() {
  attempt_ = std::make_shared<Attempt>();
  try {
    // The thread may outlive this: it has copies, and its part of the descriptor to ring.
    attempt_->thread = std::thread([attempt = attempt_, options = options_, bell = wake_] {
      no_sigpipe();
      auto result = log_in(options);
      const std::lock_guard lock(attempt->mutex);
      if (!attempt->abandoned) attempt->result = std::move(result);
      attempt->done = true;
      attempt->ended.notify_all();
      bell->ring();
    });
  } catch (const std::system_error& error) {
    attempt_->result = fail(ErrorCode::kExhausted,
                            fmt::format("{}: no thread to connect with: {}", shown_, error.what()), true);
    attempt_->done = true;
    wake_->ring();
  }
}

void RedisConnection::end_attempt() {
  {
    const std::lock_guard lock(attempt_->mutex);
    if (!attempt_->done) return;
  }
  const auto attempt = std::exchange(attempt_, nullptr);
  if (attempt->thread.joinable()) attempt->thread.join();
  auto& result = *attempt->result;
  if (!result) {
    const bool first = state_ == State::kConnecting;
    state_ = State::kDown;
    why_ = result.error();
    if (first) lost(why_);
    retry_at_ = steady_clock::now() + backoff_.next();
    return;
  }
  socket_ = std::move(result->socket);
  auto& server = result->server;
  if (server.role == "master") master_at_ = wall_now();
  if (server.role == "slave" && options_.sentinel.empty()) tell_of_replica(server, master_at_);
  server_ = std::make_shared<const RedisServer>(std::move(server));
  not_master_ = false;
  role_at_ = steady_clock::now();
  reader_ = std::make_unique<ReplyReader>();
  state_ = State::kUp;
  received_ = up_since_ = steady_clock::now();
}

// Everybody who waits is told; what was up is made again.
void RedisConnection::lost(const Error& why) {
  const bool was_up = state_ == State::kUp;
  socket_.reset();
  reader_.reset();
  out_.clear();
  if (was_up) {
    state_ = State::kDown;
    why_ = why;
    down_since_ = wall_now();
    backoff_.was_up_since(up_since_);
    retry_at_ = steady_clock::now() + backoff_.next();
  }
  const Error told = state_ == State::kDown ? why_down() : why;
  for (auto* batches : {&in_flight_, &waiting_}) {
    for (auto& batch : std::exchange(*batches, {})) complete(batch, tl::unexpected(told));
  }
}

Error RedisConnection::why_down() const {
  Error e = why_;
  if (down_since_) e.message += fmt::format("; not connected since {}", clock_text(*down_since_));
  return e;
}

void RedisConnection::complete(Batch& batch, Result<RedisAnswer> answer) {
  if (auto done = std::exchange(batch.done, nullptr)) done(std::move(answer));
}

// A server does not tell its clients that it is made a replica: they go on as before, and read what may be old.
void RedisConnection::ask_role(SteadyTime now) {
  if (waiting_.empty() || server_->role.empty() || server_->mode == "cluster" || now - role_at_ < kRoleAge)
    return;
  role_at_ = now;
  Batch batch;
  batch.commands = {{"INFO", "replication"}};
  batch.wanted = 1;
  batch.about_role = true;
  batch.deadline = waiting_.front().deadline;
  batch.done = [this](const Result<RedisAnswer>& answer) {
    if (answer && answer->replies.front().words()) took_role(*answer->replies.front().words());
  };
  waiting_.push_front(std::move(batch));
}

void RedisConnection::took_role(const std::string& info) {
  RedisServer server = *server_;
  take_replication(server, info);
  if (server.role == "master") master_at_ = wall_now();
  not_master_ = server.role == "slave" && !options_.sentinel.empty();
  server.note.clear();
  if (server.role == "slave") tell_of_replica(server, master_at_);
  if (server.role == server_->role && server.behind == server_->behind && server.note == server_->note)
    return;
  server_ = std::make_shared<const RedisServer>(std::move(server));
}

void RedisConnection::write() {
  const auto now = steady_clock::now();
  ask_role(now);
  while (!waiting_.empty()) {
    auto& batch = waiting_.front();
    for (const auto& command : batch.commands) out_ += wire_of(command);
    batch.commands.clear();
    batch.sent = now;
    in_flight_.push_back(std::move(batch));
    waiting_.pop_front();
  }
  if (out_.empty()) return;
  if (const auto ok = socket_->send(out_); !ok)
    lost({ok.error().code, fmt::format("{}: {}", server_->place, ok.error().message), true});
}

void RedisConnection::read() {
  const auto received = socket_->receive(*reader_);
  received_ = steady_clock::now();
  while (true) {
    auto reply = reader_->next();
    if (!reply || (*reply && in_flight_.empty())) {
      const std::string why = reply ? "it answers what nobody asked" : reply.error().message;
      return lost({ErrorCode::kInternal,
                   fmt::format("{} does not answer as Redis does: {}", server_->place, why), true});
    }
    if (!*reply) break;
    auto& batch = in_flight_.front();
    batch.replies.push_back(std::move(**reply));
    if (batch.replies.size() < batch.wanted) continue;
    Batch whole = std::move(batch);
    in_flight_.pop_front();
    const bool old = server_->behind && server_->mode != "cluster" && !whole.about_role;
    complete(whole, old ? Result<RedisAnswer>(tl::unexpected(lost_its_master(*server_)))
                        : RedisAnswer{std::move(whole.replies), server_});
    if (not_master_) {
      return lost({ErrorCode::kUnavailable,
                   fmt::format("{} is a replica now: the sentinels are asked for the master", server_->place),
                   true});
    }
  }
  if (!received)
    lost({received.error().code, fmt::format("{}: {}", server_->place, received.error().message), true});
}

// A batch that comes too late is answered for; where nothing at all came meanwhile, the connection is dead.
void RedisConnection::expire(SteadyTime now) {
  bool dead = false;
  for (auto* batches : {&waiting_, &in_flight_}) {
    for (auto& batch : *batches) {
      if (!batch.done || now < batch.deadline) continue;
      dead = dead || (state_ == State::kUp && batches == &in_flight_ && received_ < batch.sent);
      complete(
          batch,
          fail(ErrorCode::kTimeout,
               state_ == State::kConnecting
                   ? fmt::format("{}: no connection in time", shown_)
                   : fmt::format("{}: no answer in time: the server is overloaded, or stands still", shown_),
               true));
    }
  }
  std::erase_if(waiting_, [](const Batch& b) { return !b.done; });
  if (dead)
    lost({ErrorCode::kUnavailable,
          fmt::format("{}: no answer in time: the server is overloaded, or stands still", server_->place),
          true});
}

}  // namespace docktor
