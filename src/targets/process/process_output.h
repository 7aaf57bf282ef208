// A replica's output: a file that the process itself writes to, kept small from outside.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "core/result.h"
#include "os/fd.h"

namespace docktor {

/// Remembers which file it is, not a descriptor: a thousand replicas need no thousand descriptors.
class ProcessOutput {
 public:
  ProcessOutput() = default;

  /// Opens (makes) the file for appending, mode 0600. The descriptor is for the process; the caller closes
  /// its own. An error says that the output is lost, and the cure.
  static Result<std::pair<ProcessOutput, Fd>> open(const std::string& path);

  /// Of a process that runs already: its stdout, if that is the file at `path`; else one that is never cut.
  static ProcessOutput of(const std::string& path, pid_t pid);

  /// When the file is larger than `cap`: its last `cap` bytes become <path>.1 and the file is emptied. What
  /// the process writes in the moment between is lost. `pid` finds the file when somebody removed or moved it
  /// (0: it has ended). True when it was cut.
  bool cut(std::size_t cap, pid_t pid) const;

  const std::string& path() const { return path_; }

 private:
  Fd reopen(pid_t pid, std::size_t larger_than) const;

  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace docktor
