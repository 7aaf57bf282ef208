#include "control/file_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "control/journal_record.h"
#include "core/json_text.h"
#include "core/record.h"
#include "os/atomic_file.h"

namespace docktor {
namespace {

constexpr int kMaxFiles = 1000;
constexpr std::size_t kMaxLine = 4u << 20;

std::string numbered(const std::string& path, int n) { return n == 0 ? path : fmt::format("{}.{}", path, n); }

tl::unexpected<Error> disk_error(const std::string& path, const char* what) {
  const int e = errno;
  const char* cure = e == ENOSPC || e == EDQUOT                ? "free some space; decisions go on meanwhile"
                     : e == EACCES || e == EPERM || e == EROFS ? "let docktor's user write there"
                                                               : "see the system's log";
  return fail(ErrorCode::kExhausted, fmt::format("{}: {}: {}; {}", path, what, std::strerror(e), cure), true);
}

// A record as whoever shows it may have it; nothing of it was looked at when others wrote a part of it.
nlohmann::ordered_json parse_line(std::string_view line) {
  auto record = parse_json<nlohmann::ordered_json>(line);
  const bool odd = line.find("\\u00") != std::string_view::npos ||
                   line.find("\\n") != std::string_view::npos || line.find("\\r") != std::string_view::npos ||
                   line.find("\\t") != std::string_view::npos ||
                   line.find('\x7f') != std::string_view::npos ||
                   line.find('\xc2') != std::string_view::npos || line.find('\xe2') != std::string_view::npos;
  if (odd && record.is_object()) {
    for (auto& [key, value] : record.items()) {
      if (key != "configuration" && key != "state") make_plain(value);  // those are for replay, as they were
    }
  }
  return record;
}

}  // namespace

FileJournal::FileJournal(Options options) : options_(std::move(options)) {}

FileJournal::~FileJournal() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> FileJournal::open() {
  if (fd_ >= 0) {
    // Somebody may have moved or removed the file (logrotate, a clean-up): then begin it anew instead of
    // writing into nowhere.
    if (still_there_(fd_, options_.path)) return {};
    ::close(fd_);
    fd_ = -1;
  }
  if (auto r = make_folder(folder_of(options_.path)); !r) return r;
  fd_ = ::open(options_.path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd_ < 0) return disk_error(options_.path, "cannot open the journal");
  struct stat s{};
  size_ = ::fstat(fd_, &s) == 0 ? static_cast<std::uint64_t>(s.st_size) : 0;
  snapshots_ = 0;
  ++file_;
  char last = '\n';
  if (size_ > 0 && ::pread(fd_, &last, 1, static_cast<off_t>(size_ - 1)) == 1 && last != '\n') {
    return write_line("\n");  // a crash left half a line
  }
  return {};
}

Result<void> FileJournal::write_line(const std::string& line) {
  std::size_t done = 0;
  while (done < line.size()) {
    const auto n = ::write(fd_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int e = n == 0 ? ENOSPC : errno;
      if (done > 0 && ::ftruncate(fd_, static_cast<off_t>(size_)) != 0) {
        // Half a line stays; the next open ends it.
        ::close(fd_);
        fd_ = -1;
      }
      errno = e;
      return disk_error(options_.path, "cannot write a record");
    }
    done += static_cast<std::size_t>(n);
  }
  size_ += line.size();
  return {};
}

void FileJournal::rotate() {
  ::close(std::exchange(fd_, -1));
  ::unlink(numbered(options_.path, options_.files).c_str());
  for (int n = options_.files - 1; n >= 0; --n) {
    ::rename(numbered(options_.path, n).c_str(), numbered(options_.path, n + 1).c_str());
  }
  std::uint64_t total = 0;
  for (int n = 1; n <= options_.files; ++n) {
    struct stat s{};
    if (::stat(numbered(options_.path, n).c_str(), &s) != 0) return;
    total += static_cast<std::uint64_t>(s.st_size);
    if (n > 1 && total > options_.max_bytes * static_cast<std::uint64_t>(options_.files))
      ::unlink(numbered(options_.path, n).c_str());
  }
}

std::uint64_t FileJournal::most() const {
  constexpr std::uint64_t kShare = 4;  // of a file, snapshots take a quarter at most
  return std::max(options_.max_bytes, kShare * snapshots_);
}

Result<void> FileJournal::append(const nlohmann::ordered_json& record) {
  if (auto r = open(); !r) return r;
  const std::string line = to_line(record) + "\n";
  const auto event = record.find("event");
  const bool snapshot = event != record.end() && (*event == "snapshot" || *event == "start");
  if (size_ > 0 && size_ + line.size() > most()) {
    rotate();
    if (auto r = open(); !r) return r;
  }
  if (snapshot) snapshots_ += line.size();
  return write_line(line);
}

Result<void> read_journal(const std::string& path,
                          const std::function<bool(const nlohmann::ordered_json&)>& each,
                          const std::function<bool(std::string_view line)>& wanted) {
  int oldest = 0;
  while (oldest < kMaxFiles && ::access(numbered(path, oldest + 1).c_str(), F_OK) == 0) ++oldest;
  bool any = false;
  for (int n = oldest; n >= 0; --n) {
    std::ifstream file(numbered(path, n));
    if (!file) continue;
    any = true;
    std::string line;
    while (std::getline(file, line)) {
      if (line.size() > kMaxLine || (wanted && !wanted(line))) continue;
      const auto record = parse_line(line);
      if (is_journal_record(record) && !each(record)) return {};
    }
  }
  if (!any)
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: no journal there; nothing has been decided yet", path));
  return {};
}

std::function<bool(std::string_view)> lines_of(const std::string& service, double since) {
  std::string name = service.empty() ? "" : to_line(nlohmann::ordered_json(service));
  return [since, name = std::move(name)](std::string_view line) {
    if (line.find(name) == std::string_view::npos) return false;
    if (line.find(R"("event":)") != std::string_view::npos) return true;
    // Its own time, or that of any of its samples.
    constexpr std::string_view kTime = R"("t":)";
    for (auto at = line.find(kTime); at != std::string_view::npos; at = line.find(kTime, at)) {
      at += kTime.size();
      if (std::strtod(std::string(line.substr(at, 24)).c_str(), nullptr) >= since) return true;
    }
    return false;
  };
}

std::vector<nlohmann::ordered_json> read_journal_tail(
    const std::string& path, std::size_t most,
    const std::function<bool(const nlohmann::ordered_json&)>& wanted) {
  std::vector<nlohmann::ordered_json> out;  // newest first
  for (int n = 0; n < kMaxFiles && out.size() < most; ++n) {
    std::ifstream file(numbered(path, n), std::ios::binary | std::ios::ate);
    if (!file) break;
    auto from = static_cast<std::int64_t>(file.tellg());
    std::string rest;  // the beginning of a line whose end was read before
    constexpr std::int64_t kBlock = 256 << 10;
    const auto take = [&](std::string_view line) {
      if (line.empty() || line.size() > kMaxLine || out.size() >= most) return;
      auto record = parse_line(line);
      if (is_journal_record(record) && wanted(record)) out.push_back(std::move(record));
    };
    while (from > 0 && out.size() < most) {
      const auto size = std::min(kBlock, from);
      from -= size;
      std::string block(static_cast<std::size_t>(size), '\0');
      file.seekg(from);
      if (!file.read(block.data(), size)) break;
      block += rest;
      std::size_t end = block.size();
      while (true) {
        const auto newline = end == 0 ? std::string::npos : block.rfind('\n', end - 1);
        if (newline == std::string::npos) break;
        take(std::string_view(block).substr(newline + 1, end - newline - 1));
        end = newline;
      }
      rest = block.substr(0, end);
      if (rest.size() > kMaxLine) rest.clear();
    }
    take(rest);
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace docktor
