// Reads one consumer's sample with as few requests as its kind needs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/sample.h"
#include "queues/nats/jetstream_connection.h"

namespace docktor {

/// What a sample needs besides CONSUMER.INFO (design: what a JetStream consumer tells).
enum class StreamNeed {
  kNothing,  ///< no filter, nothing discarded: Δ(P + S) counts arrivals
  kState,    ///< the last sequence
  kCounts,   ///< how many messages match the filters
};
StreamNeed stream_need(const std::vector<std::string>& filters, const StreamInfo& stream,
                       bool counts_too_dear);

/// More subjects than this, and counting them with each sample costs the server too much; arrivals are then
/// as of a work queue.
inline constexpr std::uint64_t kMaxCountedSubjects = 10'000;

/// What CONSUMER.INFO and STREAM.INFO say, as a sample. `fresh`: the stream was asked together with the
/// consumer. `counts`: messages that match the consumer's filters, where known.
QueueSample to_sample(const ConsumerInfo& consumer, const StreamInfo& stream, bool fresh,
                      std::optional<std::uint64_t> counts);

/// On the connection's loop thread only. The stream's configuration is read again every half minute, and when
/// anything odd happens: an error, another time of creation.
class SampleReader : public std::enable_shared_from_this<SampleReader> {
 public:
  struct Answer {
    ConsumerInfo consumer;
    QueueSample sample;
  };
  using Done = std::function<void(Result<Answer>)>;

  SampleReader(JetStreamConnection& connection, std::string stream, std::string consumer);

  /// `done` is called exactly once, later, shortly after `deadline` at the latest.
  void read(JetStreamConnection::SteadyTime deadline, Done done);

  /// Nothing that is known of the stream holds any more.
  void forget();

 private:
  struct Read;
  using ReadPtr = std::shared_ptr<Read>;
  void ask_stream(const ReadPtr& r, const std::string& filter);
  void ask(const ReadPtr& r, StreamNeed need, const std::vector<std::string>& filters);
  void advance(const ReadPtr& r);
  void finish(const ReadPtr& r, Result<Answer> answer);
  bool counts_too_dear() const;

  JetStreamConnection& connection_;  // outlives its loop's tasks, and so this
  const std::string stream_;
  const std::string consumer_;
  const Duration config_age_;
  std::string created_;                              // of the consumer, at the last read
  std::optional<std::vector<std::string>> filters_;  // of the consumer, at the last read
  JetStreamConnection::StreamPtr config_;
  JetStreamConnection::SteadyTime config_at_{};
  JetStreamConnection::SteadyTime too_dear_until_{};
};

}  // namespace docktor
