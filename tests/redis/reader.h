// A queue in Redis under test, read as the controller reads it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queues/redis/redis_connection.h"
#include "queues/redis/redis_source.h"
#include "queues/redis/redis_spec.h"
#include "tests/support/patience.h"
#include "tests/support/redis_server.h"

namespace docktor::test {

inline RedisSpec stream_at(const std::string& url, const std::string& stream, const std::string& group) {
  RedisSpec s;
  s.url = url;
  s.stream = stream;
  s.group = group;
  s.claim_after = std::chrono::seconds(60);
  return s;
}

class RedisReader {
 public:
  explicit RedisReader(const RedisSpec& spec)
      : source_(connections_.get(RedisLoginOptions::from(spec)), wakes_.get(RedisLoginOptions::from(spec)),
                spec) {}

  RedisSource& source() { return source_; }

  Result<Reading> read(Duration timeout = std::chrono::seconds(20)) {
    auto promise = std::make_shared<std::promise<Result<Reading>>>();
    auto future = promise->get_future();
    source_.read({timeout, {}}, [promise](Result<Reading> r) { promise->set_value(std::move(r)); });
    return future.get();
  }

  /// A good sample, waited for.
  QueueSample sample() {
    std::optional<QueueSample> s;
    std::string last;
    const bool got = eventually([&] {
      const auto r = read();
      if (r)
        s = r->queue;
      else
        last = r.error().message;
      return s.has_value();
    });
    EXPECT_TRUE(got) << last;
    return s.value_or(QueueSample{});
  }

  /// The error, once it has this code.
  Error error(ErrorCode code, Duration timeout = std::chrono::seconds(20)) {
    Error e;
    const bool got = eventually([&] {
      const auto r = read(timeout);
      if (!r) e = r.error();
      return !r && r.error().code == code;
    });
    EXPECT_TRUE(got) << e.message;
    return e;
  }

  std::string findings(Duration timeout = std::chrono::seconds(20)) {
    std::string out;
    for (const auto& f : source_.check(timeout)) {
      out += f.severity == Severity::kOk        ? "ok: "
             : f.severity == Severity::kWarning ? "warning: "
                                                : "error: ";
      out += f.what + (f.cure.empty() ? "" : " -> " + f.cure) + "\n";
    }
    return out;
  }

 private:
  RedisConnections connections_;
  StreamWakes wakes_;
  RedisSource source_;
};

}  // namespace docktor::test
