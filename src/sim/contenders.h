// Who takes part in a study: docktor's own policies as a service is configured, and the peers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/spec.h"
#include "policy/peers/peers.h"
#include "sim/study.h"

namespace docktor::sim {

/// The contender of that name: `objective` (the service as it is configured where it has an objective, else
/// with its `objective` default and without its rules), `rules` (its rules alone), or a peer with its setting
/// number `setting`.
///
/// A peer runs with the service's bounds, but not with its steps, cooldowns and stabilization, which are its
/// own matter; it is shown a sample each second and keeps its own period. kNotFound for an unknown name, with
/// the list of names; kInvalid for `rules` where the service has none.
Result<Contender> contender(std::string_view name, const ServiceSpec& service, const peers::Known& known,
                            std::size_t setting = 0);

/// All that can take part without a parameter: objective, rules where the service has some, every peer.
std::vector<std::string> contender_names(const ServiceSpec& service);

}  // namespace docktor::sim
