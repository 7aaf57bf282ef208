#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace docktor {

using namespace std::chrono_literals;

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(::isatty(STDERR_FILENO) != 0),
      next_(Clock::now() + (terminal_ ? 300ms : 10s)) {}

Progress::~Progress() {
  if (drawn_ && terminal_) fmt::print(stderr, "\r\033[K");
}

void Progress::show(double share) {
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + (terminal_ ? Clock::duration(100ms) : Clock::duration(10s));
  drawn_ = true;
  if (terminal_) {
    fmt::print(stderr, "\r\033[K  {}: {:.0f} %", what_, 100 * share);
  } else {
    fmt::print(stderr, "{}: {:.0f} %\n", what_, 100 * share);
  }
  std::fflush(stderr);
}

}  // namespace docktor
