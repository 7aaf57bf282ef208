// The seeds' policy: thresholds that step up when any holds, down when all hold; up wins.
#pragma once

#include <memory>

#include "core/policy.h"
#include "core/spec.h"

namespace docktor {

/// Sees the means over metrics_window. A missing or stale value makes its rule false, whatever the operator:
/// so a scale-down, which needs all of its rules, holds when any value is missing. At zero replicas it wants
/// none: min_replicas and the wake bring the first. Stateless.
class RulesPolicy final : public Policy {
 public:
  RulesPolicy(RulesSpec rules, int scale_up_by, int scale_down_by);
  Recommendation recommend(const Situation& situation) override;
  std::unique_ptr<Policy> memoryless_copy() const override { return std::make_unique<RulesPolicy>(*this); }

 private:
  RulesSpec rules_;
  int scale_up_by_;
  int scale_down_by_;
};

}  // namespace docktor
