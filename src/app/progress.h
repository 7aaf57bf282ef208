// Long work shows how far it is: one line on a terminal that is drawn again, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <string>

namespace docktor {

/// Writes to stderr, at most ten times a second on a terminal, every ten seconds elsewhere (so that what is
/// quick says nothing). Takes its line away when it ends. Not thread-safe.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `share` from 0 to 1.
  void show(double share);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point next_;
};

}  // namespace docktor
