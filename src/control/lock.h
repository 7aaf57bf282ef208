// Locks that the kernel drops when their holder dies.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "core/result.h"

namespace docktor {

/// An advisory lock on a file, held while the object lives. The file tells who holds it and stays when it is
/// let go. That the note cannot be written (a full disk) does not keep anybody from the lock.
class FileLock {
 public:
  /// Takes the lock and writes `note` (pid, config, ...) into the file. kConflict with the holder's note as
  /// the message when it is held.
  static Result<FileLock> take(const std::string& path, const nlohmann::json& note);

  /// The note of whoever holds the lock now; nothing when nobody does.
  static std::optional<nlohmann::json> holder(const std::string& path);

  FileLock(FileLock&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), note_(std::move(other.note_)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    std::swap(note_, other.note_);
    return *this;
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  /// Whether the lock still stands where others look for it: somebody may have removed the file, or its
  /// folder (as a log-out does to XDG_RUNTIME_DIR).
  bool lost() const;

  /// Takes a lost lock again, in a folder that is made anew. kConflict when another has taken it meanwhile.
  Result<void> renew();

 private:
  FileLock(int fd, std::string path, nlohmann::json note)
      : fd_(fd), path_(std::move(path)), note_(std::move(note)) {}
  void annotate();

  int fd_ = -1;
  std::string path_;
  nlohmann::json note_;
};

}  // namespace docktor
