// The daemon's log on disk: rotated by size, made anew when it is removed.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "core/result.h"
#include "os/still_there.h"

namespace docktor {

/// <folder>/docktor.log; older ones are docktor.1.log (newest) and so on. A symbolic link in its place is
/// refused; one that is moved away is left within a second. What cannot be written is lost, and trouble() says so until it can be again. Texts from outside
/// may be in a line: control characters are shown as \x1b, and a line's further lines are indented, so that
/// nobody forges one. Thread-safe.
class LogFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  struct Options {
    std::string path;
    std::uint64_t max_bytes = 10u << 20;
    int files = 4;                               ///< kept beside the present one
    std::chrono::milliseconds look_every{1000};  ///< whether it was moved
  };
  explicit LogFile(Options options);
  ~LogFile() override;

  /// Why the last line was not written; empty when it was.
  std::string trouble();

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  Result<void> open();
  Result<void> write(const std::string& line);
  void rotate();
  std::string numbered(int n) const;

  const Options options_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  StillThere still_there_{options_.look_every};
  std::string trouble_;
};

/// A text as a log's line may have it: see LogFile. Pure.
std::string plain_lines(std::string_view text);

}  // namespace docktor
