// What the scenarios of provisioner_bench share: a fresh server, loads, and what became of their messages.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "docktor/docktor.h"
#include "tests/support/nats_server.h"

namespace docktor::bench {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

inline double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

/// A fresh server with the stream, and a connection for handlers and one for the load.
struct Stage {
  explicit Stage(milliseconds ack_wait = milliseconds(30'000)) {
    connection.emplace(Connection::connect(server.url()).value());
    load.emplace(Connection::connect(server.url()).value());
    set_up(*connection,
           {.stream = "TEST", .subjects = {"test.*"}, .consumer = "PROCESSOR", .ack_wait = ack_wait},
           std::chrono::seconds(30))
        .value();
    requester = Requester::create(*load).value();
  }
  test::NatsServer server;
  std::optional<Connection> connection, load;
  std::unique_ptr<Requester> requester;
};

/// Keeps up to `in_flight` requests under way: each answer sends the next one; with a `rate` a thread does,
/// no more than so many a second.
class Load {
 public:
  Load(Requester& requester, int in_flight, double rate = 0)
      : requester_(requester), in_flight_(in_flight), rate_(rate) {
    if (rate_ > 0) {
      thread_ = std::thread([this] { run(); });
    } else {
      open_ = in_flight_;
      for (int i = 0; i < in_flight_; ++i) chain();
    }
  }
  ~Load() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [this] { return open_ == 0; });
  }
  std::uint64_t answered() const { return answered_; }
  std::uint64_t failures() const { return failures_; }

 private:
  void chain() {
    requester_.send("test.a", "x", {.timeout = std::chrono::seconds(60)},
                    [this](const Result<std::string>& r) {
                      ++(r ? answered_ : failures_);
                      if (stopping_)
                        closed();
                      else
                        chain();
                    });
  }
  void closed() {
    const std::lock_guard lock(mutex_);
    --open_;
    moved_.notify_one();
  }
  void run() {
    const auto begin = Clock::now();
    std::uint64_t sent = 0;
    while (!stopping_) {
      const auto due = static_cast<std::uint64_t>(seconds(Clock::now() - begin) * rate_);
      while (sent < due && !stopping_) {
        {
          std::unique_lock lock(mutex_);
          if (!moved_.wait_for(lock, milliseconds(50), [this] { return open_ < in_flight_; })) continue;
          ++open_;
        }
        ++sent;
        requester_.send("test.a", "x", {.timeout = std::chrono::seconds(60)},
                        [this](const Result<std::string>& r) {
                          ++(r ? answered_ : failures_);
                          closed();
                        });
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  Requester& requester_;
  const int in_flight_;
  const double rate_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> answered_{0}, failures_{0};
  std::mutex mutex_;
  std::condition_variable moved_;
  int open_ = 0;
  std::thread thread_;
};

struct Count {
  std::vector<std::atomic<std::uint8_t>> worked, answered;
  explicit Count(std::size_t n) : worked(n), answered(n) {}
  std::string text() const {
    std::uint64_t lost = 0, again = 0, unanswered = 0, twice = 0;
    for (std::size_t i = 0; i < worked.size(); ++i) {
      lost += worked[i] == 0;
      again += worked[i] > 1;
      unanswered += answered[i] == 0;
      twice += answered[i] > 1;
    }
    return fmt::format("{} not worked on, {} unanswered, {} worked on twice, {} answered twice", lost,
                       unanswered, again, twice);
  }
};

/// Sends each message until it is answered, under one id; up to 64 at a time.
class Sender {
 public:
  Sender(Requester& requester, Count& count, milliseconds timeout)
      : requester_(requester), count_(count), timeout_(timeout) {}
  void run() {
    for (std::size_t i = 0; i < count_.worked.size(); ++i) {
      {
        std::unique_lock lock(mutex_);
        moved_.wait(lock, [this] { return open_ < 64; });
        ++open_;
      }
      send(i);
    }
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [this] { return open_ == 0; });
  }
  std::uint64_t retries() const { return retries_; }
  std::uint64_t answers() const { return answers_; }

 private:
  void send(std::size_t i) {
    requester_.send("test.a", std::to_string(i), {.timeout = timeout_, .id = std::to_string(i)},
                    [this, i](const Result<std::string>& r) {
                      if (!r) {
                        ++retries_;
                        return send(i);
                      }
                      ++count_.answered[i];
                      ++answers_;
                      const std::lock_guard lock(mutex_);
                      --open_;
                      moved_.notify_one();
                    });
  }
  Requester& requester_;
  Count& count_;
  const milliseconds timeout_;
  std::mutex mutex_;
  std::condition_variable moved_;
  int open_ = 0;
  std::atomic<std::uint64_t> retries_{0}, answers_{0};
};

}  // namespace docktor::bench
