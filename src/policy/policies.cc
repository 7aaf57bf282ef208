#include "policy/policies.h"

#include "policy/beside.h"
#include "policy/objective/objective.h"
#include "policy/rules.h"

namespace docktor {

std::unique_ptr<Policy> make_policy(const ServiceSpec& spec) {
  if (spec.objective) {
    auto objective = std::make_unique<ObjectivePolicy>(spec);
    if (!spec.rules) return objective;
    return std::make_unique<ObjectiveBesideRules>(std::move(objective), spec);
  }
  return std::make_unique<RulesPolicy>(spec.rules.value_or(RulesSpec{}), spec.limits.scale_up_by,
                                       spec.limits.scale_down_by);
}

}  // namespace docktor
