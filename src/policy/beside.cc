#include "policy/beside.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace docktor {

ObjectiveBesideRules::ObjectiveBesideRules(std::unique_ptr<Policy> objective, const ServiceSpec& spec)
    : objective_(std::move(objective)),
      rules_(spec.rules.value_or(RulesSpec{}), spec.limits.scale_up_by, spec.limits.scale_down_by),
      mode_(spec.rules_mode),
      guards_down_(spec.rules && !spec.rules->scale_down_when.empty()) {}

Recommendation ObjectiveBesideRules::recommend(const Situation& in) {
  Recommendation objective = objective_->recommend(in);
  Recommendation rules = rules_.recommend(in);
  const int current = in.replicas.current;
  const bool up = rules.wanted > current;
  const bool down = rules.wanted < current;
  const std::string blind = up ? "" : rules_.blind(in.window);
  if (up || down) objective.matched_rules = std::move(rules.matched_rules);
  if (mode_ == RulesMode::kFloor && up && rules.wanted > objective.wanted) {
    objective.wanted = rules.wanted;
    objective.no_data = false;
    objective.reason = fmt::format("rules as floor: {} (the objective: {})", rules.reason, objective.reason);
  } else if (objective.wanted < current && !blind.empty()) {
    objective.wanted = current;
    objective.reason =
        fmt::format("{}, and a rule of scale_up_when may hold (the objective: {})", blind, objective.reason);
  } else if (mode_ == RulesMode::kVeto && objective.wanted < current && (up || (guards_down_ && !down))) {
    objective.wanted = current;
    objective.reason = fmt::format("rules as veto: {} (the objective: {})", rules.reason, objective.reason);
  }
  return objective;
}

}  // namespace docktor
