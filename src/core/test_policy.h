// A policy for tests: it wants what the test says.
#pragma once

#include "core/policy.h"

namespace docktor::test {

class FixedPolicy final : public Policy {
 public:
  /// Reads `wanted` at each recommendation.
  explicit FixedPolicy(const int& wanted) : wanted_(wanted) {}
  Recommendation recommend(const Situation&) override {
    Recommendation r;
    r.wanted = wanted_;
    r.reason = "as the test says";
    return r;
  }

 private:
  const int& wanted_;
};

}  // namespace docktor::test
