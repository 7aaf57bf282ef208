// Rules beside an objective: a floor that only adds replicas, or a veto that only stops a scale-down.
#pragma once

#include <memory>

#include "core/policy.h"
#include "core/spec.h"
#include "policy/rules.h"

namespace docktor {

/// The objective decides; then, by `rules_mode`:
///   floor  while a rule of scale_up_when holds, at least scale_up_by more than now, whatever the objective says
///   veto   no scale-down unless all of scale_down_when hold (if there are any) and none of scale_up_when does
///
/// Rules see the means over metrics_window, as they do alone. Neither mode ever removes a replica. Not
/// thread-safe.
class ObjectiveBesideRules final : public Policy {
 public:
  ObjectiveBesideRules(std::unique_ptr<Policy> objective, const ServiceSpec& spec);

  void observe(const Observation& sample) override { objective_->observe(sample); }
  Recommendation recommend(const Situation& situation) override;
  void save(nlohmann::json& state) const override { objective_->save(state); }
  void restore(const nlohmann::json& state) override { objective_->restore(state); }

 private:
  std::unique_ptr<Policy> objective_;
  RulesPolicy rules_;
  RulesMode mode_;
  bool guards_down_;  // there are scale_down_when rules
};

}  // namespace docktor
