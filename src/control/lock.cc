#include "control/lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/json_text.h"
#include "os/atomic_file.h"

namespace docktor {
namespace {

constexpr std::size_t kMaxNote = 16 << 10;

nlohmann::json read_note(int fd) {
  std::string text(kMaxNote, '\0');
  const auto n = ::pread(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  auto note = parse_json(text);
  if (!note.is_object()) return nlohmann::json::object();
  // Anybody who may write there can spoil it: what is not of its kind was never there.
  if (const auto pid = note.find("pid"); pid != note.end() && !pid->is_number_integer()) note.erase(pid);
  if (const auto config = note.find("config"); config != note.end() && !config->is_string())
    note.erase(config);
  return note;
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path, const nlohmann::json& note) {
  FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640), path, note);
  if (lock.fd_ < 0) {
    const int e = errno;
    return fail(
        e == EMFILE || e == ENFILE || e == ENOSPC || e == EDQUOT ? ErrorCode::kExhausted : ErrorCode::kDenied,
        fmt::format("{}: cannot open the lock: {}; {}", path, std::strerror(e),
                    e == EMFILE || e == ENFILE   ? "raise the limit of open files (ulimit -n, LimitNOFILE)"
                    : e == ENOSPC || e == EDQUOT ? "free some space"
                                                 : "let this user write there"));
  }
  bool held_by_other = true;
  for (int i = 0; held_by_other && i < 5; ++i) {  // somebody who only looks (holder) has it for a moment
    if (i > 0) ::usleep(10'000);
    held_by_other = ::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0;
  }
  if (held_by_other) {
    if (errno != EWOULDBLOCK) {
      return fail(ErrorCode::kDenied, fmt::format("{}: cannot lock: {}", path, std::strerror(errno)));
    }
    const auto held = read_note(lock.fd_);
    return fail(ErrorCode::kConflict,
                fmt::format("held by pid {} ({})", held.value("pid", 0), held.value("config", "?")), true);
  }
  if (lock.lost()) return fail(ErrorCode::kConflict, "removed while it was taken; try again", true);
  lock.annotate();
  return lock;
}

void FileLock::annotate() {
  const std::string text = note_.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  (void)!::pwrite(fd_, text.data(), text.size(), 0);
  (void)!::ftruncate(fd_, static_cast<off_t>(text.size()));
}

bool FileLock::lost() const {
  struct stat there{}, ours{};
  return ::lstat(path_.c_str(), &there) != 0 || ::fstat(fd_, &ours) != 0 || there.st_ino != ours.st_ino ||
         there.st_dev != ours.st_dev;
}

Result<void> FileLock::renew() {
  if (!lost()) return {};
  if (auto r = make_folder(folder_of(path_)); !r) return r;
  auto again = take(path_, note_);
  if (!again) return tl::unexpected(again.error());
  *this = std::move(*again);
  return {};
}

std::optional<nlohmann::json> FileLock::holder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::optional<nlohmann::json> note;
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) note = read_note(fd);
  ::close(fd);
  return note;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace docktor
