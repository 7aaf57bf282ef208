// What a daemon needs of the system: locks, log, descriptors, signals.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "control/lock.h"
#include "control/log_file.h"
#include "control/paths.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor {

/// To the file, and to stderr where `foreground`.
std::shared_ptr<spdlog::logger> make_logger(const std::shared_ptr<LogFile>& file, bool foreground);

/// Raises the soft limit of open files to the hard one: workers, connections and locks take descriptors.
void raise_descriptor_limit();

/// Empty when the configuration's services fit into the limit of open files, else what to raise.
std::string too_few_descriptors(const Config& config);

/// The lock of the instance, twice: in the state folder, which lives as long as what is scaled by it, and in
/// the runtime folder, where commands look for it. A state folder that cannot be written is no reason not to
/// start. kConflict when a daemon runs already.
Result<std::vector<FileLock>> lock_instance(const Instance& instance);

/// Before any other thread exists: those signals that end or reload a daemon wait for heed_signals(), others that would end
/// it are ignored, and a core would have the passwords. Workers are not touched by it.
void block_signals();

/// What is done, on a thread of its own.
struct SignalCare {
  std::function<void()> hang_up;
  std::function<void(int signal)> stop;
  std::function<void()> each_second;
};
std::jthread heed_signals(SignalCare care);

/// As the log of a part that knows no logger: a warning has its sign.
std::function<void(bool warning, const std::string& line)> log_to(std::shared_ptr<spdlog::logger> log);

}  // namespace docktor
