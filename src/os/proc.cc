#include "os/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>

namespace docktor {
namespace {

constexpr std::size_t kMostEnvironment = 2 << 20;  // Linux allows more than any sane worker has

// Reads at most `most` bytes: files in /proc have no size.
std::optional<std::string> read_text(const std::string& path, std::size_t most) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string text;
  std::array<char, 4096> block;
  while (text.size() < most) {
    const auto n = ::read(fd.get(), block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;  // ESRCH: it ended meanwhile
    if (n == 0) break;
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  return text;
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  const auto close = text.rfind(')');
  if (close == std::string_view::npos || close + 2 >= text.size()) return std::nullopt;
  ProcessStat s;
  const auto head = text.substr(0, close);
  if (std::from_chars(head.data(), head.data() + head.size(), s.identity.pid).ec != std::errc())
    return std::nullopt;
  s.state = text[close + 2];
  // Fields 4 to 24 of proc(5); index 0 is field 4.
  std::array<std::int64_t, 21> field{};
  const char* at = text.data() + close + 3;
  const char* const end = text.data() + text.size();
  for (auto& f : field) {
    while (at < end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, f);
    if (error != std::errc()) return std::nullopt;
    at = next;
  }
  const auto unsigned_field = [&](int number) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, field[static_cast<std::size_t>(number - 4)]));
  };
  s.parent = static_cast<pid_t>(field[0]);
  s.group = static_cast<pid_t>(field[1]);
  s.own_ticks = unsigned_field(14) + unsigned_field(15);
  s.children_ticks = unsigned_field(16) + unsigned_field(17);
  s.identity.start_ticks = unsigned_field(22);
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  s.resident_bytes = unsigned_field(24) * page;
  return s;
}

std::optional<ProcessStat> read_process_stat(pid_t pid) {
  char path[32];
  *fmt::format_to_n(path, sizeof path - 1, "/proc/{}/stat", pid).out = '\0';
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  char text[2048];  // at most 52 numbers and a name of 64 bytes
  const auto n = ::read(fd, text, sizeof text);
  ::close(fd);
  if (n <= 0) return std::nullopt;
  return parse_process_stat({text, static_cast<std::size_t>(n)});
}

std::vector<pid_t> list_processes() {
  std::vector<pid_t> pids;
  DIR* const folder = ::opendir("/proc");
  if (!folder) return pids;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) pids.push_back(pid);
  }
  ::closedir(folder);
  return pids;
}

std::optional<std::string> process_environment(pid_t pid, std::string_view name) {
  const auto text = read_text(fmt::format("/proc/{}/environ", pid), kMostEnvironment);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto entry = rest.substr(0, rest.find('\0'));
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return std::string(entry.substr(name.size() + 1));
    }
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
  }
  return std::nullopt;
}

bool in_our_pid_namespace(pid_t pid) {
  struct stat ours{}, theirs{};
  return ::stat("/proc/self/ns/pid", &ours) == 0 &&
         ::stat(fmt::format("/proc/{}/ns/pid", pid).c_str(), &theirs) == 0 && ours.st_ino == theirs.st_ino &&
         ours.st_dev == theirs.st_dev;
}

Fd open_process(const ProcessIdentity& identity) {
  // glibc 2.36's <sys/pidfd.h> lacks extern "C", so by hand.
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, identity.pid, 0)));
  if (!pidfd) return pidfd;
  // What was opened first is proved afterwards: if the number still belongs to the right start time now, it
  // did then.
  const auto stat = read_process_stat(identity.pid);
  if (stat && stat->identity == identity) return pidfd;
  errno = ESRCH;
  return {};
}

bool has_ended(const Fd& pidfd) {
  pollfd p{pidfd.get(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

bool send_signal(const Fd& pidfd, int signal) {
  return pidfd && ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

Duration age(const ProcessIdentity& identity) {
  timespec t{};
  ::clock_gettime(CLOCK_BOOTTIME, &t);
  const Duration now = std::chrono::seconds(t.tv_sec) + Duration(t.tv_nsec);
  const auto ticks = ticks_per_second();
  const Duration started = std::chrono::seconds(identity.start_ticks / ticks) +
                           Duration(identity.start_ticks % ticks * (1'000'000'000 / ticks));
  return std::max(Duration::zero(), now - started);
}

std::string boot_id() {
  auto text = read_text("/proc/sys/kernel/random/boot_id", 64).value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::uint64_t ticks_per_second() {
  static const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return ticks;
}

}  // namespace docktor
