// The one place where kinds of policy are listed.
#pragma once

#include <memory>

#include "core/policy.h"
#include "core/spec.h"

namespace docktor {

/// The policy that a service asks for. A service with neither rules nor objective keeps what it has, within
/// bounds.
std::unique_ptr<Policy> make_policy(const ServiceSpec& spec);

}  // namespace docktor
