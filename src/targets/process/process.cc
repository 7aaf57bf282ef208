#include "targets/process/process.h"

#include <utility>

#include "targets/process/process_pool.h"

namespace docktor {

ProcessTarget::ProcessTarget(ProcessOptions options, ProcessSupervisor& supervisor, const Clock& clock)
    : supervisor_(supervisor), pool_(std::make_shared<ProcessPool>(std::move(options), supervisor, clock)) {
  supervisor_.run([this] { pool_->adopt(); });
}

ProcessTarget::~ProcessTarget() {
  supervisor_.run([this] { pool_->close(); });
}

void ProcessTarget::scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) {
  supervisor_.post(
      [pool = pool_, order, done = std::move(done)]() mutable { pool->scale(order, std::move(done)); });
}

TargetReport ProcessTarget::report() { return pool_->report(); }

std::vector<Finding> ProcessTarget::check() {
  ProcessOptions options;
  supervisor_.run([&] { options = pool_->options(); });
  return check_process_target(options);
}

}  // namespace docktor
