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

void ProcessTarget::stop_all(std::function<void(Result<std::string>)> done) {
  supervisor_.post([pool = pool_, done = std::move(done)]() mutable { pool->stop_all(std::move(done)); });
}

void ProcessTarget::update(ProcessSpec spec) {
  supervisor_.run([&] { pool_->update(std::move(spec)); });
}

TargetReport ProcessTarget::report() { return pool_->report(); }

std::vector<Finding> ProcessTarget::check() {
  ProcessOptions options;
  supervisor_.run([&] { options = pool_->options(); });
  return check_process_target(options);
}

}  // namespace docktor
