// The safe form of the Compose command: for what the Engine API alone cannot make, and where nothing exists
// to clone.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace docktor {

/// What a project was deployed with, from its containers' labels or the configuration.
struct ComposeDeployment {
  std::string project;
  std::string directory;               ///< --project-directory
  std::vector<std::string> files;      ///< -f
  std::vector<std::string> env_files;  ///< --env-file
};

/// argv of the command that makes `replicas` of `service` and touches nothing else: no other service, no
/// re-creation, no pull, no build. `v1` for docker-compose 1.x, which has no --pull.
std::vector<std::string> compose_scale_command(const ComposeDeployment& deployment,
                                               const std::string& service, int replicas, bool v1);

/// Which Compose command there is: {"docker", "compose"} or {"docker-compose"}; kNotFound with the cure where
/// there is none. `environment` is the command's.
Result<std::vector<std::string>> find_compose(const std::map<std::string, std::string>& environment,
                                              const std::stop_token& stop);

/// Runs the safe form; the error carries the end of the command's output. Blocks at most `timeout`.
Result<void> run_compose_scale(const ComposeDeployment& deployment, const std::string& service, int replicas,
                               const std::map<std::string, std::string>& environment, Duration timeout,
                               const std::stop_token& stop);

}  // namespace docktor
