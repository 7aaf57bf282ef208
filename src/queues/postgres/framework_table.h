// A framework's jobs in one database and schema, read for all services at once: those who ask at about the same instant
// are answered by one statement.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "queues/postgres/framework.h"
#include "queues/postgres/pg_connection.h"

namespace docktor {

/// Figures of one queue; those that are not told are absent.
struct PgQueueFigures {
  std::uint64_t backlog = 0;
  std::optional<std::uint64_t> in_hand, scheduled, retries;  ///< retries: of the scheduled ones
  std::optional<double> oldest_age;                          ///< seconds
  bool paused = false;
  std::optional<std::uint64_t> added;  ///< jobs that were put in, a total within PgSnapshot::incarnation
  std::optional<std::uint64_t> dead;   ///< those that failed for good, kMostDead of all queues at most
};

struct PgSnapshot {
  std::map<std::string, PgQueueFigures, std::less<>> queues;
  std::optional<PgQueueFigures>
      others;               ///< of any queue that is not in the map; nothing: such a queue is not there
  std::string incarnation;  ///< another text: `added` began anew
};

/// Thread-safe. Callbacks come from the connection's thread.
class FrameworkTable : public std::enable_shared_from_this<FrameworkTable> {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Done = std::function<void(const Result<std::shared_ptr<const PgSnapshot>>&)>;

  /// How long those are gathered who ask at about the same instant.
  static constexpr auto kGather = std::chrono::milliseconds(5);

  using Now = std::function<SteadyTime()>;
  FrameworkTable(const PgFramework& framework, std::string schema, Now now = std::chrono::steady_clock::now);

  /// Queues that are read from now on, all of them where the list is empty; until remove() with the same list.
  void add(const std::vector<std::string>& queues);
  void remove(const std::vector<std::string>& queues);

  /// Reads what was added. `done` is called exactly once.
  void ask(PgConnection& connection, SteadyTime deadline, Done done);

  /// The queries that were sent so far: for tests and measurements.
  std::uint64_t asked() const;

 private:
  using Batch = std::vector<Done>;
  struct Counted {
    std::uint64_t before = 0;  // put in until the anchor
    std::uint64_t since = 0;   // and behind it, in the last answer
    SteadyTime blind_until{};  // rows vanish soon after they came: what is counted is too little
  };

  void fill(PgQuery& query, const std::shared_ptr<Batch>& batch);
  Result<std::shared_ptr<const PgSnapshot>> snapshot(const PgRows& rows);
  void count_arrivals(PgSnapshot& out, const std::map<std::string, std::uint64_t>& late,
                      std::optional<std::uint64_t> newest);
  void begin_anew(std::uint64_t newest, SteadyTime now);

  const PgFramework& framework_;
  const std::string sql_;
  const Now now_;
  const std::string began_;  // in the incarnation: what was counted before this process is forgotten

  mutable std::mutex mutex_;  // guards the rest
  std::shared_ptr<Batch> open_;
  std::uint64_t asked_ = 0;
  std::map<std::string, int> wanted_;  // how often it was added
  int all_ = 0;
  // Arrivals are counted behind an id some 10 to 20 s old: so many rows an answer looks at, and what commits that much
  // later than its id was given is not lost.
  std::optional<std::uint64_t> anchor_;
  std::uint64_t late_ = 0;  // the next anchor
  SteadyTime move_at_{}, answered_at_{};
  std::map<std::string, Counted> counted_;
  int windows_ = 0;
};

}  // namespace docktor
