#include "targets/process/process_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace docktor {

Result<std::pair<ProcessOutput, Fd>> ProcessOutput::open(const std::string& path) {
  // Not through a link, and nothing but a file: a pipe would block or kill the worker, and a device is not to
  // be cut.
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  struct stat s{};
  if (!fd || ::fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) {
    const char* why = fd ? "not a file" : std::strerror(errno);
    return fail(
        ErrorCode::kUnavailable,
        fmt::format(
            "output goes to /dev/null: cannot append to {}: {}; free some space or fix the folder's rights, "
            "and it is kept from the replica's next start",
            path, why));
  }
  ::fcntl(fd.get(), F_SETFL, O_APPEND);
  ProcessOutput out;
  out.path_ = path;
  out.device_ = s.st_dev;
  out.inode_ = s.st_ino;
  return std::pair(std::move(out), std::move(fd));
}

ProcessOutput ProcessOutput::of(const std::string& path, pid_t pid) {
  ProcessOutput out;
  out.path_ = path;
  struct stat file{}, stdout_of{};
  if (!path.empty() && ::lstat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) &&
      ::stat(fmt::format("/proc/{}/fd/1", pid).c_str(), &stdout_of) == 0 && file.st_ino == stdout_of.st_ino &&
      file.st_dev == stdout_of.st_dev) {
    out.device_ = file.st_dev;
    out.inode_ = file.st_ino;
  }
  return out;
}

Fd ProcessOutput::reopen(pid_t pid, std::size_t larger_than) const {
  const auto look = [&](const std::string& path) {
    struct stat s{};
    const bool same = ::stat(path.c_str(), &s) == 0 && s.st_ino == inode_ && s.st_dev == device_;
    return std::pair(same, same && s.st_size > static_cast<off_t>(larger_than));
  };
  std::string from = path_;
  auto [same, large] = look(from);
  if (!same && pid > 0) {
    from = fmt::format("/proc/{}/fd/1", pid);
    std::tie(same, large) = look(from);
  }
  if (!large) return {};
  Fd fd(::open(from.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  struct stat s{};
  if (fd && (::fstat(fd.get(), &s) != 0 || s.st_ino != inode_ || s.st_dev != device_)) return {};
  return fd;
}

bool ProcessOutput::cut(std::size_t cap, pid_t pid) const {
  if (inode_ == 0) return false;
  const Fd fd = reopen(pid, cap);
  struct stat s{};
  if (!fd || ::fstat(fd.get(), &s) != 0) return false;
  std::string tail(cap, '\0');
  const auto n = ::pread(fd.get(), tail.data(), cap, s.st_size - static_cast<off_t>(cap));
  if (::ftruncate(fd.get(), 0) != 0) return false;
  tail.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (const auto line = tail.find('\n'); line != std::string::npos && line + 1 < tail.size())
    tail.erase(0, line + 1);
  // Best effort: on a full disk the end of the output is lost, but the room is won.
  const auto kept = path_ + ".1";
  const auto beside = path_ + ".new";
  const Fd to(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (to && ::write(to.get(), tail.data(), tail.size()) == static_cast<ssize_t>(tail.size())) {
    ::rename(beside.c_str(), kept.c_str());
  } else {
    ::unlink(beside.c_str());
  }
  return true;
}

}  // namespace docktor
