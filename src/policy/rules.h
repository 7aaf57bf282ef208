// The seeds' policy: thresholds that step up when any holds, down when all hold; up wins.
#pragma once

#include <memory>
#include <string>

#include "core/policy.h"
#include "core/spec.h"

namespace docktor {

/// Sees the means over metrics_window. A missing or stale value makes its rule false, whatever the operator:
/// so a scale-down, which needs all of its rules, holds when any value is missing. It holds, too, when a
/// value of scale_up_when is: that rule might forbid it. At zero replicas it wants none: min_replicas and the
/// wake bring the first. Stateless.
class RulesPolicy final : public Policy {
 public:
  RulesPolicy(RulesSpec rules, int scale_up_by, int scale_down_by);
  Recommendation recommend(const Situation& situation) override;
  bool first_sign(const Situation& situation) const override;
  /// Why no one may scale down by now, whatever he wants: "cpu.avg is unknown", of the rules of
  /// scale_up_when.
  std::string blind(const Observation& window) const;
  std::unique_ptr<Policy> memoryless_copy() const override { return std::make_unique<RulesPolicy>(*this); }

 private:
  RulesSpec rules_;
  int scale_up_by_;
  int scale_down_by_;
};

}  // namespace docktor
