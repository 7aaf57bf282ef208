// The JetStream API's answers as values: read from the raw JSON, since the C client knows neither several
// filters nor the newer fields. Only what docktor needs is kept; everything else is skipped while parsing.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/sample.h"
#include "core/time.h"

namespace docktor {

struct ConsumerInfo {
  std::string stream_name;
  std::string name;
  std::string created;
  std::string durable_name;          ///< empty: ephemeral
  std::string deliver_subject;       ///< not empty: a push consumer
  std::string deliver_group;         ///< of a push consumer: its members share the messages
  std::string ack_policy;            ///< "explicit", "all", "none"
  std::vector<std::string> filters;  ///< filter_subject and filter_subjects; none: everything
  Duration ack_wait = std::chrono::seconds(30);
  Duration inactive_threshold{};
  std::int64_t max_deliver = -1;
  std::int64_t max_ack_pending = -1;
  bool paused = false;
  std::string pause_until;  ///< "2030-01-01T00:00:00Z"; empty where the server does not tell
  std::uint64_t num_pending = 0;
  std::uint64_t num_ack_pending = 0;
  std::uint64_t num_redelivered = 0;
  std::uint64_t num_waiting = 0;
  std::uint64_t delivered_consumer_seq = 0;
  std::uint64_t delivered_stream_seq = 0;
  std::uint64_t ack_floor_consumer_seq = 0;
  std::uint64_t ack_floor_stream_seq = 0;
};

/// Where a stream takes its messages from besides its own subjects.
struct StreamOrigin {
  std::string name;
  std::string filter_subject;
  bool transforms = false;  ///< subjects are rewritten on the way
  bool external = false;    ///< of another account or domain
};

struct StreamInfo {
  std::string name;
  std::string created;
  std::vector<std::string> subjects;
  Retention retention = Retention::kLimits;
  std::optional<StreamOrigin> mirror;
  std::vector<StreamOrigin> sources;
  bool transforms = false;  ///< the stream rewrites subjects before it stores a message
  bool can_discard =
      false;  ///< may drop messages by age, count, bytes, count per subject, roll-up or per-message expiry
  Duration duplicate_window{};  ///< so long two messages with one id are the same
  std::uint64_t messages = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t num_subjects = 0;
  // Only where the request named a subjects_filter:
  std::uint64_t subject_messages = 0;  ///< sum of the counts of this page's subjects
  std::uint64_t subjects_total =
      0;  ///< subjects that match; more than on this page where it exceeds subjects_listed
  std::uint64_t subjects_listed = 0;
};

/// The server's own numbers of its errors (jetstream/errors.json); only those that are treated apart.
struct ApiError {
  int code = 0;
  int err_code = 0;
  std::string description;
  static constexpr int kNotEnabled = 10076, kNotEnabledForAccount = 10039;
  static constexpr int kConsumerNotFound = 10014, kStreamNotFound = 10059;
  static constexpr int kNotAvailable = 10008;  ///< the cluster has no leader now
};

/// What an answer holds: exactly one of value and error.
template <class T>
struct ApiAnswer {
  std::optional<T> value;
  std::optional<ApiError> error;
};

/// Strict: an answer that is no JSON, that lacks a count which every such answer has, or in which something
/// that is read here is not of its kind (a count is a whole number from 0 to 2^53), is kInternal. So is one
/// about another stream or consumer; empty names fit any.
Result<ApiAnswer<ConsumerInfo>> parse_consumer_info(std::string_view json, std::string_view stream,
                                                    std::string_view consumer);
Result<ApiAnswer<StreamInfo>> parse_stream_info(std::string_view json, std::string_view stream);

}  // namespace docktor
