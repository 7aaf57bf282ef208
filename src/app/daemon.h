// The daemon: owns the parts by value, in the order in which they depend on each other, and runs the loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/paths.h"
#include "core/daemon_spec.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor {

struct DaemonOptions {
  Instance instance;
  /// Of the locks for scaled services, shared by all instances. The second serves where the first cannot be
  /// written.
  std::string locks_dir, spare_locks_dir;
  Config config;
  DaemonSpec daemon;
  /// Reads the configuration again, what it says of the daemon into `daemon`; the error lists every mistake.
  std::function<Result<Config>(DaemonSpec& daemon)> reload;
  bool foreground = false;              ///< log to stderr, too
  bool manual = false;                  ///< decisions become proposals
  bool dry_run = false;                 ///< of all services
  std::vector<std::string> dry_run_of;  ///< of these
  bool wait_ready = false;              ///< end with an error unless everything answers within 30 s
};

/// What the starter is told once: the daemon is up (with warnings), or why not.
struct StartReport {
  bool up = false;
  std::vector<std::string> lines;         ///< what does not answer yet, or the reasons of a failure
  std::vector<std::string> restrictions;  ///< see Controller::restrictions()
};

/// What the starter hears. Both are called on the thread that calls run_daemon().
struct Starter {
  std::function<void(const StartReport&)> report;         ///< once
  std::function<void(const std::string& text)> progress;  ///< before it, where the start takes long
};

/// Runs until SIGTERM, SIGINT or a stop command. Returns the exit code. Must be called before any other
/// thread exists: it blocks the signals that it waits for.
int run_daemon(DaemonOptions options, const Starter& starter);

}  // namespace docktor
