// A source under test, read as the controller reads it, on the server that all tests of this program share.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/flow.h"
#include "queues/rabbitmq/rabbitmq_source.h"
#include "tests/rabbitmq/rabbitmq_server.h"
#include "tests/support/missing.h"
#include "tests/support/source_reader.h"

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
    SKIP_FOR_WANT_OF(why);
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

class Reader final : public SourceReader {
 public:
  explicit Reader(const RabbitSpec& spec, bool may_reach_zero = false, bool needs_flow = false)
      : source_(servers().get(spec, {}), RabbitSource::Options{spec, may_reach_zero, needs_flow}) {}

  static RabbitServers& servers() {
    static RabbitServers servers;
    return servers;
  }

  RabbitSource& source() override { return source_; }

 private:
  RabbitSource source_;
};

}  // namespace docktor::test
