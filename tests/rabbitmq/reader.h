// A source under test, read as the controller reads it, on the server that all tests of this program share.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "core/flow.h"
#include "queues/rabbitmq/rabbitmq_source.h"
#include "tests/rabbitmq/rabbitmq_server.h"
#include "tests/support/patience.h"

namespace docktor::test {

/// Started with the first test that wants it.
inline RabbitServerProcess& shared_server() {
  static RabbitServerProcess server;
  return server;
}

/// Skips where there is no RabbitMQ; where every test must run (DOCKTOR_REQUIRE_ALL) that is a failure.
class RabbitTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto why = why_no_rabbitmq();
    if (why.empty()) return;
    if (std::getenv("DOCKTOR_REQUIRE_ALL")) FAIL() << why;  // NOLINT(concurrency-mt-unsafe): nothing sets it
    GTEST_SKIP() << why;
  }
};

inline RabbitSpec spec_of(const RabbitServerProcess& server, const std::string& queue,
                          const std::string& vhost = {}) {
  Settings s;
  s.set("url", Url{server.url()});
  s.set("management_url", Url{server.management_url()});
  s.set("queue", queue);
  s.set("vhost", vhost);
  return RabbitSpec::from(s);
}

class Reader {
 public:
  explicit Reader(const RabbitSpec& spec, bool may_reach_zero = false, bool needs_flow = false)
      : source_(servers().get(spec, {}), RabbitSource::Options{spec, may_reach_zero, needs_flow}) {}

  static RabbitServers& servers() {
    static RabbitServers servers;
    return servers;
  }

  RabbitSource& source() { return source_; }

  Result<Reading> read(Duration timeout = std::chrono::seconds(10)) {
    auto promise = std::make_shared<std::promise<Result<Reading>>>();
    auto future = promise->get_future();
    source_.read({timeout, {}}, [promise](Result<Reading> r) { promise->set_value(std::move(r)); });
    return future.get();
  }

  /// The first good sample that the condition holds for.
  template <class Condition>
  QueueSample sample(Condition&& holds) {
    QueueSample s;
    std::string last = "no sample was as expected";
    const bool got = eventually(
        [&] {
          const auto r = read();
          if (!r) last = r.error().message;
          if (!r || !holds(*r->queue)) return false;
          s = *r->queue;
          return true;
        },
        kPatience, std::chrono::milliseconds(50));
    EXPECT_TRUE(got) << last;
    return s;
  }
  QueueSample sample() {
    return sample([](const QueueSample&) { return true; });
  }
  QueueSample with_backlog(std::uint64_t p) {
    return sample([p](const QueueSample& q) { return q.num_pending == p; });
  }

  /// The error, once it has this code.
  Error error(ErrorCode code, Duration timeout = std::chrono::seconds(10)) {
    Error e;
    const bool got = eventually(
        [&] {
          const auto r = read(timeout);
          if (!r) e = r.error();
          return !r && r.error().code == code;
        },
        kPatience, std::chrono::milliseconds(50));
    EXPECT_TRUE(got) << e.message;
    return e;
  }

 private:
  RabbitSource source_;
};

}  // namespace docktor::test
