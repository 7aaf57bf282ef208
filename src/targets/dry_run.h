// Dry run: a target that shows what it would do, and does nothing.
#pragma once

#include <memory>
#include <utility>

#include "core/target.h"

namespace docktor {

/// Reports what its inner target reports, and answers each order with what it would have come to. The inner
/// one must change nothing by itself either (a process target: ProcessOptions::restart off). Thread-safe as
/// that is.
class DryRunTarget final : public Target {
 public:
  explicit DryRunTarget(std::unique_ptr<Target> inner) : inner_(std::move(inner)) {}

  void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) override;
  TargetReport report() override { return inner_->report(); }
  std::vector<Finding> check() override { return inner_->check(); }

 private:
  std::unique_ptr<Target> inner_;
};

}  // namespace docktor
