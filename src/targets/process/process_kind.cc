#include "targets/process/process_kind.h"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "targets/process/proc_usage.h"
#include "targets/process/process.h"
#include "targets/process/process_keys.h"
#include "targets/process/process_supervisor.h"

namespace docktor {

namespace {

class ProcessFactory final : public TargetFactory {
 public:
  explicit ProcessFactory(const FactoryOptions& options) : options_(options) {}

  std::unique_ptr<Target> open(const ServiceSpec& spec, TargetOptions options) override {
    auto o = options_of(spec);
    o.on_change = std::move(options.on_change);
    o.restart = !options.look_only;
    return std::make_unique<ProcessTarget>(std::move(o), supervisor(), options_.clock);
  }

  std::unique_ptr<Source> usage(const ServiceSpec&) override {
    const std::lock_guard lock(mutex_);
    if (!reader_) reader_ = std::make_unique<ProcReader>();
    return std::make_unique<ProcUsageSource>(*reader_);
  }

  std::function<HostPlace()> place() override {
    return [] { return HostPlace::kBeside; };
  }

  Result<int> count(const ServiceSpec& spec, const std::stop_token&) override {
    return count_process_replicas(options_of(spec));
  }

  std::vector<Finding> check(const ServiceSpec& spec) override {
    return check_process_target(options_of(spec));
  }

  // Two files may have a service of one name; they fight where both work off the same queue.
  std::string identity(const ServiceSpec& spec, const std::string& config) override {
    return fmt::format("process|{}|{}", spec.name, spec.queue ? spec.queue->shown : config);
  }

  // Of several queues, one in common is enough.
  std::vector<std::string> identities(const ServiceSpec& spec, const std::string& config) override {
    if (!spec.queue || spec.queue->parts.empty()) return {identity(spec, config)};
    std::vector<std::string> all;
    for (const auto& part : spec.queue->parts)
      all.push_back(fmt::format("process|{}|{}", spec.name, part.shown));
    return all;
  }

 private:
  ProcessOptions options_of(const ServiceSpec& spec) const {
    ProcessOptions o;
    o.service = spec.name;
    o.spec = ProcessSpec::from(spec.target.settings);
    o.state_directory = options_.state_dir + "/replicas";
    o.log_directory = options_.log_dir + "/replicas";
    o.max_replicas = kMaxReplicas;
    return o;
  }

  // Made with the first service that needs it: a thread, and a look at all children of this process.
  ProcessSupervisor& supervisor() {
    const std::lock_guard lock(mutex_);
    if (!supervisor_) supervisor_ = std::make_unique<ProcessSupervisor>();
    return *supervisor_;
  }

  const FactoryOptions options_;
  std::mutex mutex_;
  std::unique_ptr<ProcessSupervisor> supervisor_;
  std::unique_ptr<ProcReader> reader_;
};

}  // namespace

const TargetKind kProcessKind = {&kProcessKeys,
                                 [](const FactoryOptions& options) -> std::unique_ptr<TargetFactory> {
                                   return std::make_unique<ProcessFactory>(options);
                                 }};

}  // namespace docktor
