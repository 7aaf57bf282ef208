// One connection to a Redis server, shared by all services with the same server and credentials: commands are
// pipelined, and a lost connection is made again.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "os/backoff.h"
#include "os/bell.h"
#include "queues/redis/redis_login.h"

namespace docktor {

/// What a batch of commands was answered with, one reply each, errors of single commands among them.
struct RedisAnswer {
  std::vector<Reply> replies;
  std::shared_ptr<const RedisServer> server;
};

/// Thread-safe. Callbacks run on the connection's own thread. Dropping the last reference ends everything; not from
/// a callback.
class RedisConnection {
 public:
  static constexpr std::size_t kMaxBatches = 100'000;  ///< that wait for their answers

  using SteadyTime = std::chrono::steady_clock::time_point;
  using Done = std::function<void(Result<RedisAnswer>)>;

  /// Throws std::system_error where there is no thread or no descriptor left.
  explicit RedisConnection(RedisLoginOptions options);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  const std::string& shown() const { return shown_; }  ///< the url without credentials

  /// `done` is called exactly once: with the replies; kUnavailable where the connection is down or was lost; kDenied
  /// where the server does not let us in; kTimeout at the deadline. The first attempt to connect is waited for.
  void send(std::vector<RedisCommand> commands, SteadyTime deadline, Done done);

  /// Runs `task` once on the connection's thread, in so long.
  void after(Duration wait, std::function<void()> task);

 private:
  struct Batch {
    std::vector<RedisCommand> commands;  // until they are sent
    std::size_t wanted = 0;
    SteadyTime deadline, sent{};
    std::vector<Reply> replies;
    bool about_role = false;
    Done done;  // empty: nobody waits any more, the replies are still to come
  };
  enum class State { kConnecting, kUp, kDown };
  struct Attempt;

  void run();
  void take_posted();
  void start_attempt();
  void end_attempt();
  void lost(const Error& why);
  void write();
  void read();
  void complete(Batch& batch, Result<RedisAnswer> answer);
  void expire(SteadyTime now);
  void ask_role(SteadyTime now);
  void took_role(const std::string& info);
  void run_timers(SteadyTime now);
  int poll_ms(SteadyTime now);
  Error why_down() const;

  const RedisLoginOptions options_;
  const std::string shown_;
  const std::shared_ptr<const Bell> wake_;  // something was posted; attempts share it

  std::mutex mutex_;  // guards the next three
  std::deque<Batch> posted_;
  std::multimap<SteadyTime, std::function<void()>> timers_;
  bool stop_ = false;

  // The rest belongs to the thread.
  State state_ = State::kConnecting;
  std::shared_ptr<Attempt> attempt_;
  std::optional<RedisSocket> socket_;
  std::unique_ptr<ReplyReader> reader_;
  std::shared_ptr<const RedisServer> server_;
  std::string out_;
  std::deque<Batch> waiting_;    // not sent yet: the first connection is being made
  std::deque<Batch> in_flight_;  // in the order of their replies
  SteadyTime received_{}, up_since_{}, retry_at_{}, role_at_{};
  std::optional<Time> master_at_;  // when this server was last known to be a master
  bool not_master_ = false;        // the sentinels are to be asked anew
  Backoff backoff_{std::chrono::milliseconds(100), std::chrono::seconds(2)};
  Error why_;
  std::optional<Time> down_since_;  // it was up before
  std::thread thread_;              // last: it uses what stands above
};

}  // namespace docktor
