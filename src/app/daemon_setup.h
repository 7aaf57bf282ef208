// What a daemon needs of the system before it runs: locks, log, descriptors.
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>
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

}  // namespace docktor
