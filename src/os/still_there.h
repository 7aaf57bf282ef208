// Whether a file that is written for a long time still stands where it was opened.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <string>

namespace docktor {

/// A file that was removed is seen at once, since what is written there is lost. One that was moved is seen a moment later:
/// nothing is lost meanwhile, and to walk the path for each line costs more than to write the line. Not thread-safe.
class StillThere {
 public:
  using Span = std::chrono::steady_clock::duration;

  explicit StillThere(Span look_every) : look_every_(look_every) {}

  bool operator()(int fd, const std::string& path) {
    struct stat ours{}, there{};
    if (::fstat(fd, &ours) != 0 || ours.st_nlink == 0) return false;
    const auto now = std::chrono::steady_clock::now();
    if (looked_.time_since_epoch() != Span::zero() && now - looked_ < look_every_) return true;
    looked_ = now;
    return ::lstat(path.c_str(), &there) == 0 && there.st_ino == ours.st_ino && there.st_dev == ours.st_dev;
  }

 private:
  const Span look_every_;
  std::chrono::steady_clock::time_point looked_{};
};

}  // namespace docktor
