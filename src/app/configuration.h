// Loading the configuration for a command, with its flags and the environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cli.h"
#include "core/daemon_spec.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor {

/// The configuration that the command line means; what it says of the daemon goes to `daemon`. Every mistake is printed to
/// stderr; nothing then.
std::optional<Config> load_for(const Cli& cli, DaemonSpec* daemon = nullptr);

/// The same for a command that needs a service only to reckon with: where no file is named and none is there, one service
/// with an objective of `max_wait` (as a file has it; "" is the usual) and up to a hundred replicas, which is said on stderr.
std::optional<Config> load_or_usual_for(const Cli& cli, const std::string& max_wait);

/// The same file again, with the same flags; the error's message has all mistakes, a line each.
Result<Config> reload_for(const Cli& cli, const std::string& path, DaemonSpec* daemon = nullptr);

/// The mistakes that `text` would have as the file at `path`.
std::vector<std::string> check_text(const Cli& cli, const std::string& path, const std::string& text);

}  // namespace docktor
