// What must outlive a restart, a JSON file for each service.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "core/result.h"
#include "os/file_writer.h"

namespace docktor {

/// Writes by a thread of its own (FileWriter): syncing the files of two hundred services takes seconds on a slow disk, and
/// nobody who decides may wait for that. Thread-safe. A missing or damaged file is no state, never an error:
/// what was learned is learned again.
class StateStore {
 public:
  explicit StateStore(std::string folder) : folder_(std::move(folder)) {}

  enum class Matter {
    kLearned,  ///< what the file had before will do, should the machine lose its power
    kSaid,     ///< somebody was told that it holds
  };

  /// Never waits for the disk. The answer is that of the service's last write that ended: a full disk shows
  /// one save later. Of several states that wait for a slow disk only the newest is written.
  Result<void> save(const std::string& service, const nlohmann::json& state, Matter matter = Matter::kSaid);
  /// Waits, so long at most, until what was saved of the service is on disk; or says why it is not.
  Result<void> on_disk(const std::string& service, std::chrono::milliseconds patience);
  /// What was saved last, on disk already or not.
  nlohmann::json load(const std::string& service) const;
  std::string trouble() const;       ///< why states are not saved at present; empty when they are
  void flush() { writer_.flush(); }  ///< waits until nothing waits

 private:
  std::string file(const std::string& service) const;

  const std::string folder_;
  FileWriter writer_;  // the destructor writes what still waits
};

}  // namespace docktor
