// Wakes a thread that waits in poll() or epoll_wait().
#pragma once

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>

#include "os/fd.h"

namespace docktor {

/// Readable once it was rung, until silence(). Thread-safe.
class Bell {
 public:
  /// Throws std::system_error with `purpose` where the process has no descriptor left.
  explicit Bell(const char* purpose) : Bell() {
    if (!*this) throw std::system_error(errno, std::generic_category(), purpose);
  }
  /// Without a descriptor it is none: poll() leaves it out, and nobody is woken.
  Bell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  explicit operator bool() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  /// A counter that is full wakes all the same.
  void ring() const { (void)::eventfd_write(fd_.get(), 1); }
  void silence() const {
    eventfd_t rung = 0;
    (void)::eventfd_read(fd_.get(), &rung);
  }

 private:
  Fd fd_;
};

}  // namespace docktor
