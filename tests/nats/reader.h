// A source under test, read as the controller reads it; and the sums of what its samples say.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "core/flow.h"
#include "core/meter.h"
#include "queues/nats/jetstream_connections.h"
#include "queues/nats/jetstream_source.h"
#include "tests/support/source_reader.h"

namespace docktor::test {

inline NatsSpec queue_at(const std::string& url, const std::string& stream, const std::string& consumer) {
  NatsSpec q;
  q.url = url;
  q.stream = stream;
  q.consumer = consumer;
  return q;
}

class Reader final : public SourceReader {
 public:
  explicit Reader(const NatsSpec& spec, bool may_reach_zero = false)
      : source_(pool_.get(NatsLinkOptions::from(spec)), JetStreamSource::options_from(spec, may_reach_zero)) {
  }

  JetStreamSource& source() override { return source_; }

 private:
  JetStreamConnections pool_;
  JetStreamSource source_;
};

/// Reads again and again and adds up the flows between successive samples. Each is checked for what must
/// always hold.
class Ledger {
 public:
  explicit Ledger(Reader& reader) : reader_(reader), last_(reader.sample()) {}

  /// One more sample; false when it began a new window.
  bool step() {
    const QueueSample next = reader_.sample();
    const auto flow = flow_by_sequences(last_, next, std::chrono::seconds(1));
    last_ = next;
    if (!flow) {
      ++resets;
      return false;
    }
    constexpr double kSane = 1e7;  // a count that wrapped would be about 1.8e19
    EXPECT_GE(flow->arrivals, 0);
    EXPECT_LT(flow->arrivals, kSane);
    EXPECT_GE(flow->deliveries, 0);
    EXPECT_LT(flow->deliveries, kSane);
    EXPECT_LT(std::abs(flow->settled), kSane);
    arrivals += flow->arrivals;
    deliveries += flow->deliveries;
    settled += flow->settled;
    upper_bound = upper_bound || flow->upper_bound;
    return true;
  }

  const QueueSample& last() const { return last_; }

  double arrivals = 0, deliveries = 0, settled = 0;
  int resets = 0;
  bool upper_bound = false;

 private:
  Reader& reader_;
  QueueSample last_;
};

}  // namespace docktor::test
