// Starts a command as a process group of its own, without fork's cost.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/result.h"
#include "os/fd.h"
#include "os/proc.h"

namespace docktor {

struct SpawnOptions {
  std::vector<std::string> command;  ///< argv; looked up in the PATH of `environment` unless it has a slash
  std::string directory;             ///< absolute; empty: ours
  std::map<std::string, std::string> environment;  ///< all of it; nothing is inherited beside
  int output = -1;                                 ///< stdout and stderr; -1: /dev/null
};

struct Spawned {
  Fd pidfd;
  ProcessIdentity identity;  ///< the pid is the group's number, too
};

/// Starts the command: own process group, stdin /dev/null, no other descriptor of ours, no signal blocked or
/// ignored. The process is our child: whoever has the pidfd must wait for it. Takes under 1 ms, most of it
/// the exec.
///
/// An error says which command, why, and the cure: kNotFound, kDenied (not executable), kInvalid (not a
/// program), kExhausted with retry (no process, memory or descriptor left).
Result<Spawned> spawn(const SpawnOptions& options);

/// The file that `name` means in `directory` with that PATH (as a shell would find it). Errors as spawn's.
Result<std::string> find_command(const std::string& name, const std::string& directory,
                                 const std::string& path);

/// Our environment, for workers: without DOCKTOR_* (docktor's own settings, secrets among them) and without
/// what systemd gives to docktor alone (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*).
std::map<std::string, std::string> inherited_environment();

}  // namespace docktor
