// Runs a short command to its end: output taken up to a limit, the whole process group killed at the
// deadline.
#pragma once

#include <stop_token>
#include <string>

#include "core/result.h"
#include "core/time.h"
#include "os/spawn.h"

namespace docktor {

struct CommandResult {
  int status = 0;      ///< exit status; 128 + the signal's number when one ended it
  std::string output;  ///< stdout and stderr as they came; what exceeds the limit is dropped
};

/// Blocks until the command has ended. kTimeout at the deadline and kUnavailable when the token is stopped,
/// both after its process group was killed; else spawn's errors. A status other than 0 is no error here.
/// `options.output` is ignored.
Result<CommandResult> run_command(SpawnOptions options, Duration timeout, const std::stop_token& stop = {},
                                  std::size_t max_output = 256 << 10);

}  // namespace docktor
