#include "control/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "os/atomic_file.h"

namespace docktor {

std::string plain_lines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c == '\n') {
      out += "\n    ";
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", c);
    } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // C1, which terminals obey, too
      out += fmt::format("\\x{:02x}", next);
      ++i;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

LogFile::LogFile(Options options) : options_(std::move(options)) {
  if (auto r = open(); !r) trouble_ = r.error().message;
}

LogFile::~LogFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string LogFile::trouble() {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::string LogFile::numbered(int n) const {
  if (n == 0) return options_.path;
  const auto dot = options_.path.rfind('.');
  return fmt::format("{}.{}{}", options_.path.substr(0, dot), n, options_.path.substr(dot));
}

Result<void> LogFile::open() {
  if (fd_ >= 0) {
    // Removed or moved by somebody: what is written there is seen by nobody.
    if (still_there_(fd_, options_.path)) return {};
    ::close(std::exchange(fd_, -1));
  }
  if (auto r = make_folder(folder_of(options_.path)); !r) return r;
  fd_ = ::open(options_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd_ < 0) {
    const int e = errno;
    return fail(ErrorCode::kExhausted,
                fmt::format("{}: the log cannot be written: {}", options_.path,
                            e == ELOOP ? "a symbolic link is there; remove it" : std::strerror(e)),
                true);
  }
  struct stat s{};
  size_ = ::fstat(fd_, &s) == 0 ? static_cast<std::uint64_t>(s.st_size) : 0;
  return {};
}

void LogFile::rotate() {
  ::close(std::exchange(fd_, -1));
  for (int n = options_.files - 1; n >= 0; --n) ::rename(numbered(n).c_str(), numbered(n + 1).c_str());
}

Result<void> LogFile::write(const std::string& line) {
  if (auto r = open(); !r) return r;
  if (size_ > 0 && size_ + line.size() > options_.max_bytes) {
    rotate();
    if (auto r = open(); !r) return r;
  }
  std::size_t done = 0;
  while (done < line.size()) {
    const auto n = ::write(fd_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int e = n == 0 ? ENOSPC : errno;
      size_ += done;
      return fail(ErrorCode::kExhausted,
                  fmt::format("{}: the log cannot be written: {}", options_.path, std::strerror(e)), true);
    }
    done += static_cast<std::size_t>(n);
  }
  size_ += line.size();
  return {};
}

void LogFile::sink_it_(const spdlog::details::log_msg& message) {
  const std::string plain = plain_lines({message.payload.data(), message.payload.size()});
  spdlog::details::log_msg clean = message;
  clean.payload = plain;
  spdlog::memory_buf_t line;
  formatter_->format(clean, line);
  const auto r = write(std::string(line.data(), line.size()));
  trouble_ = r ? "" : r.error().message;
}

}  // namespace docktor
