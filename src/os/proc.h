// What /proc tells about processes, and how one is told from another that has its number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "os/fd.h"

namespace docktor {

/// A pid is used again, a pid with its start time is not, within one boot.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< field 22 of /proc/PID/stat: clock ticks since boot
  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

/// One line of /proc/PID/stat, as far as we use it. Times are clock ticks (ticks_per_second()).
struct ProcessStat {
  ProcessIdentity identity;
  char state = '?';  ///< R, S, D, ...; Z and X are dead
  pid_t parent = 0;
  pid_t group = 0;
  std::uint64_t own_ticks = 0;       ///< user and system time of this process
  std::uint64_t children_ticks = 0;  ///< the same of its children that it waited for, and of theirs
  std::uint64_t resident_bytes = 0;

  bool dead() const { return state == 'Z' || state == 'X'; }
};

/// Nothing when there is no such process, or it cannot be read. Takes about 10 µs.
std::optional<ProcessStat> read_process_stat(pid_t pid);

/// For tests: the same of a text as /proc has it. A command's name may hold spaces, parentheses and newlines.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// All processes that can be seen here, in no order.
std::vector<pid_t> list_processes();

/// The value of a variable as the process was started with it; nothing when it is not there or not ours to
/// read.
std::optional<std::string> process_environment(pid_t pid, std::string_view name);

/// Whether the process sees the same process numbers as we do (a container's does not).
bool in_our_pid_namespace(pid_t pid);

/// A file descriptor that stands for this process for ever, whatever becomes of its number: opened, then
/// proved by its start time. Nothing when the process is gone, another one has its number, or there is no
/// descriptor left (errno says).
Fd open_process(const ProcessIdentity& identity);

/// Whether the process behind a pidfd has ended (a zombie has).
bool has_ended(const Fd& pidfd);

/// Sends a signal to exactly the process behind the pidfd. False when it is gone (or may not be signalled).
bool send_signal(const Fd& pidfd, int signal);

/// How long ago the process was started. Suspended time counts.
Duration age(const ProcessIdentity& identity);

/// Differs from boot to boot; empty where the kernel does not tell.
std::string boot_id();

std::uint64_t ticks_per_second();

}  // namespace docktor
