// What `docktor config validate` says about a Compose service: Docker, project, service, and every trap with
// its cure.
#pragma once

#include <string>
#include <vector>

#include "core/finding.h"
#include "docker/engine.h"
#include "targets/compose/compose_spec.h"

namespace docktor {

/// Blocks for some seconds at most.
std::vector<Finding> check_compose(DockerEngine& engine, const std::string& service, const ComposeSpec& spec,
                                   int max_replicas);

}  // namespace docktor
