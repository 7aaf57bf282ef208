// What the management API says of a queue, as values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace docktor {

/// One queue. What the answer lacks is absent; a restarted server lacks nearly everything for seconds.
struct QueueFigures {
  std::string type;  ///< "classic", "quorum", "stream"
  bool auto_delete = false;
  bool exclusive = false;
  bool single_active_consumer = false;
  std::optional<std::uint64_t> expires_ms;  ///< deleted after so long without use
  bool leaderless = false;                  ///< of a quorum queue: nobody leads it now

  // Gauges, up to 9 s old.
  std::optional<std::uint64_t> ready;
  std::optional<std::uint64_t> unacknowledged;
  std::optional<std::int64_t> head_timestamp;  ///< Unix seconds, as the publisher wrote it

  /// Counters since the server began to count, up to 5.4 s old.
  struct Stats {
    std::uint64_t publish = 0;
    std::optional<std::uint64_t>
        deliver_get;  ///< deliveries, redeliveries included; absent: none, or not told yet
    std::uint64_t redeliver = 0;
    friend bool operator==(const Stats&, const Stats&) = default;
  };
  std::optional<Stats> stats;
};

/// The fields that are read, as the API's parameter `columns`.
extern const std::string_view kFigureColumns;

/// GET /api/queues/VHOST/NAME. kUnavailable where the server has no figures of it yet, kInternal for an answer
/// that makes no sense or is of another queue.
Result<QueueFigures> parse_queue(std::string_view json, const std::string& name);

/// GET /api/queues/VHOST, by name. Queues that make no sense are left out.
Result<std::map<std::string, QueueFigures>> parse_queues(std::string_view json);

/// Not empty: why zero replicas would lose messages of this queue.
std::string why_unfit_for_zero(const QueueFigures& figures, const std::string& queue);

}  // namespace docktor
