// What is answered from the journal while the daemon runs: beside its loop, which does not wait for files.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "control/figures.h"
#include "control/history.h"
#include "control/paths.h"
#include "core/result.h"
#include "core/time.h"

namespace docktor {

/// Thread-safe, but not for the loop's thread. One study and one history at a time: whoever else asks is told to come again.
class DaemonJournal {
 public:
  DaemonJournal(const Board& board, const Instance& instance) : board_(board), instance_(instance) {}

  /// Whether this operation is one of those answered here.
  static bool answers(const std::string& operation);

  Result<nlohmann::ordered_json> call(const std::string& operation, const nlohmann::json& arguments);
  /// As recorded_history() of the journal.
  Result<std::vector<HistoryPoint>> recorded(const std::string& service, Time from, Time to,
                                             std::size_t most);
  /// Ends the simulation that somebody waits for.
  void stop() { stop_.request_stop(); }

 private:
  Result<nlohmann::ordered_json> read(const std::string& operation, const nlohmann::json& arguments) const;
  Result<nlohmann::ordered_json> savings(const nlohmann::json& arguments);

  const Board& board_;
  const Instance& instance_;
  std::stop_source stop_;
  std::mutex simulates_, reads_;
  struct Told {
    std::chrono::steady_clock::time_point until;
    nlohmann::ordered_json answer;
  };
  std::map<std::string, Told> savings_;  // by their arguments; guarded by reads_
};

}  // namespace docktor
