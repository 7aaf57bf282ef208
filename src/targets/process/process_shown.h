// What other threads see of a pool: its replicas, whom it had to kill, its news.
#pragma once

#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/target.h"
#include "targets/process/process_replica.h"

namespace docktor {

/// Thread-safe: the supervisor's thread puts, any reads.
class ProcessShown {
 public:
  /// `fingerprint`: replicas of another one are outdated. Whether anything is new since the last put(), news included.
  bool put(const std::list<ProcessReplica>& replicas, const std::string& fingerprint,
           const std::string& killed);
  void news(std::string text);

  /// Takes the news. What a countdown says is put in here, when somebody looks.
  TargetReport report();

 private:
  struct Row {
    Replica replica;  // its note is what stands before the countdown
    std::optional<ProcessReplica::TimePoint> at;
    std::string countdown;  // "next start in"
    std::string after;
    bool operator==(const Row& o) const;
  };
  static Row row_of(const ProcessReplica& r, const std::string& fingerprint);

  std::mutex mutex_;
  std::vector<Row> rows_;
  std::string killed_;
  std::vector<std::string> news_;
  bool news_came_ = false;
};

}  // namespace docktor
