// Which Compose project a service belongs to, and how that was deployed.
#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "core/result.h"
#include "docker/engine.h"
#include "targets/compose/compose_cli.h"
#include "targets/compose/compose_spec.h"

namespace docktor {

/// In this order: `project` of the configuration; the project whose containers say that they come from this
/// Compose file; the project of the container that docktor runs in; the name that Compose derives. kInvalid
/// where two projects come from the same file and neither has the derived name.
Result<std::string> find_project(DockerEngine& engine, const ComposeSpec& spec, const std::stop_token& stop);

/// What a service of a project is, whichever way project and engine were named: one text for each identity of
/// the engine. Two configurations that share one of them would fight over the service.
Result<std::vector<std::string>> compose_identities(DockerEngine& engine, const std::string& project,
                                                    const std::string& service, const std::stop_token& stop);

/// How many containers of the service run now, those of `docker compose run` left out; for a look without a
/// daemon. Blocking.
Result<int> count_compose_replicas(DockerEngine& engine, const std::string& service, const ComposeSpec& spec,
                                   const std::stop_token& stop);

/// From a container's labels where they are, else from the configuration.
ComposeDeployment deployment_of(const nlohmann::json& container_labels, const std::string& project,
                                const ComposeSpec& spec);

}  // namespace docktor
