// Locks that the kernel drops when their holder dies.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "core/result.h"

namespace docktor {

/// An advisory lock on a file, held while the object lives. The file tells who holds it and stays when it is
/// let go.
class FileLock {
 public:
  /// Takes the lock and writes `note` (pid, config, ...) into the file. kConflict with the holder's note as
  /// the message when it is held.
  static Result<FileLock> take(const std::string& path, const nlohmann::json& note);

  /// The note of whoever holds the lock now; nothing when nobody does.
  static std::optional<nlohmann::json> holder(const std::string& path);

  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  /// Replaces the note.
  Result<void> annotate(const nlohmann::json& note);

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace docktor
