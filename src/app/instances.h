// Which instance a command means: the given configuration's, else the one that runs.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/cli.h"
#include "control/paths.h"
#include "core/result.h"

namespace docktor {

/// For an operation that may act: a little more than the daemon gives itself.
inline constexpr std::chrono::seconds kOperationTimeout{35};

/// The folders for this user, by the process's environment.
Result<Folders> our_folders();

struct Running {
  Instance instance;
  nlohmann::json note;  ///< of its lock: pid, config, since
};

/// Every instance of this user (or of DOCKTOR_RUNTIME_DIR) that holds its lock.
std::vector<Running> running_instances(const Folders& folders);

/// The configuration's file that a command without a running daemon means: --config, else docktor.yaml or
/// docktor.yml of the working directory. An absolute path.
Result<std::string> config_path(const Cli& cli);

struct Chosen {
  Instance instance;
  bool running = false;
  nlohmann::json note;
};

/// With --config that instance; without, the one that runs. Several: kConflict, the message lists them (exit
/// 2). None: the working directory's configuration; without one kNotFound.
Result<Chosen> choose_instance(const Cli& cli);

/// Its configuration's file is there, whatever stands in it.
bool has_file(const Instance& instance);

/// "no daemon runs for FILE; start one with ...", or that there is no such file.
std::string no_daemon_text(const Instance& instance);

/// choose_instance for commands that need a daemon: prints what is wrong and gives the exit code otherwise.
std::optional<Chosen> need_daemon(const Cli& cli, int& exit_code);

}  // namespace docktor
