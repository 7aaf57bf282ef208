// Writes files from a thread of its own, so that nobody who decides waits for a disk.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "core/result.h"
#include "os/atomic_file.h"

namespace docktor {

/// Each file whole or not at all (write_atomically), of each path the newest text only. Thread-safe. The destructor writes
/// what is left.
class FileWriter {
 public:
  /// The mode of new files.
  explicit FileWriter(unsigned mode = 0640);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /// Of several texts that wait for a slow disk the strictest `then` counts; see OnDisk. Where very many wait (a stop), they
  /// are synced together, after the last.
  void write(const std::string& path, std::string text, OnDisk then = OnDisk::kNew);

  /// What was last given to write(), on disk or not; else the file's text, at most `most` bytes. kNotFound when there
  /// is neither.
  Result<std::string> read(const std::string& path, std::size_t most = 16u << 20) const;

  /// The error of the last attempt to write this path; nothing when it succeeded, or none was made.
  std::optional<Error> trouble(const std::string& path) const;
  /// The same of whatever was written last.
  std::optional<Error> trouble() const;

  /// Waits, so long at most, until what was last given to write() is on disk; or says why it is not.
  Result<void> on_disk(const std::string& path, std::chrono::milliseconds patience);

  /// Returns when everything was written, or tried.
  void flush();

 private:
  struct Text {
    std::string text;
    OnDisk then = OnDisk::kEither;
  };
  struct Failure {
    std::string text;
    Error error;
  };
  void run();

  const unsigned mode_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::string, Text> waiting_;                  // by path
  std::optional<std::pair<std::string, Text>> writing_;  // what the thread is at
  std::map<std::string, Failure> failed_;                // by path: the last attempt
  std::optional<Error> last_error_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses what stands above
};

}  // namespace docktor
