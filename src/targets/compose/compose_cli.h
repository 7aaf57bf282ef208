// The safe form of the Compose command: for what the Engine API alone cannot make, and where nothing exists
// to clone.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "targets/compose/compose_file.h"

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

/// The environment for the Compose command: ours, with what makes it speak to the same engine. What systemd
/// gave to docktor alone is left out.
std::map<std::string, std::string> compose_environment(
    const std::map<std::string, std::string>& cli_environment);

/// The files of a deployment as Compose itself resolves them (extends, include, profiles, overrides), no
/// variables replaced; read by docktor where there is no Compose v2, or where it refuses them. Blocks for
/// seconds at most; errors are those of load_compose_model.
Result<ComposeFiles> read_deployment(const ComposeDeployment& deployment,
                                     const std::map<std::string, std::string>& environment,
                                     const std::stop_token& stop);

/// The hash that Compose would now give containers of the service, as in their label com.docker.compose.config-hash.
/// Blocks for seconds at most; an error where it cannot be asked (no Compose v2, a variable that is not set here).
Result<std::string> deployed_hash(const ComposeDeployment& deployment, const std::string& service,
                                  const std::map<std::string, std::string>& environment,
                                  const std::stop_token& stop);

/// Not empty: a secret or config of the service comes from a variable that Compose would not find, in one
/// sentence with what to do.
std::string missing_variable(const ComposeFileService& service, const ComposeDeployment& deployment,
                             const std::map<std::string, std::string>& environment);

/// Runs the safe form; the error carries the end of the command's output. Blocks at most `timeout`.
Result<void> run_compose_scale(const ComposeDeployment& deployment, const std::string& service, int replicas,
                               const std::map<std::string, std::string>& environment, Duration timeout,
                               const std::stop_token& stop);

}  // namespace docktor
