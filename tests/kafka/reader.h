// A source under test, read as the controller reads it, on the broker that all tests of this program share.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/flow.h"
#include "queues/kafka/kafka_source.h"
#include "tests/kafka/kafka_client.h"
#include "tests/kafka/kafka_server.h"
#include "tests/support/missing.h"
#include "tests/support/source_reader.h"

namespace docktor::test {

/// Started with the first test that wants it.
inline KafkaServerProcess& shared_server() {
  static KafkaServerProcess server;
  return server;
}

/// Skips where there is no Kafka; where every test must run (DOCKTOR_REQUIRE_ALL) that is a failure.
class KafkaTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto why = why_no_kafka();
    if (why.empty()) return;
    SKIP_FOR_WANT_OF(why);
  }
};

inline KafkaSpec spec_of(const std::string& topic, const std::string& group, bool earliest = true) {
  return {.servers = shared_server().url(),
          .topics = {topic},
          .group = group,
          .earliest = earliest,
          .mechanism = "plain"};
}

class Reader final : public SourceReader {
 public:
  explicit Reader(const KafkaSpec& spec, int min = 0, int max = 1)
      : source_(clusters().get(spec, {}), KafkaSource::Options{spec, min, max}) {}

  /// A lag that stands still is looked at soon.
  static KafkaClusters& clusters() {
    static KafkaClusters clusters({.still_after = std::chrono::milliseconds(200)});
    return clusters;
  }

  KafkaSource& source() override { return source_; }

 private:
  KafkaSource source_;
};

}  // namespace docktor::test
