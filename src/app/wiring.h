// Joins the parts of a service, whatever kinds its queue and target are of.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "control/service.h"
#include "core/factory.h"
#include "core/finding.h"
#include "core/result.h"
#include "core/spec.h"
#include "os/real_clock.h"

namespace docktor {

/// Owns one factory for each kind that is used. Must outlive the parts that it made. Thread-safe.
class Wiring {
 public:
  struct Options {
    std::string state_dir;
    std::string log_dir;
    std::function<void(const std::string&)> log{};              ///< see FactoryOptions
    std::function<bool(const std::string& service)> dry_run{};  ///< services whose orders are not carried out
    /// Takes the lock of what a target has found out that it scales; see TargetOptions::claim.
    std::function<Result<std::shared_ptr<void>>(const std::string& service, const std::string& what)> claim{};
  };
  explicit Wiring(Options options);
  ~Wiring();
  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;

  /// `on_change` is called from any thread when the target's report changed.
  ServiceParts make(const Config& config, const ServiceSpec& spec, std::function<void()> on_change);

  /// What a look without a daemon needs: policy and queue, nothing that acts.
  ServiceParts look(const ServiceSpec& spec);

  /// How many replicas run, without adopting or watching any. Blocking.
  Result<int> count_replicas(const ServiceSpec& spec, const std::stop_token& stop);

  /// For `config validate`: what the world says to this service. Blocking.
  std::vector<Finding> check(const ServiceSpec& spec);

  /// What a service scales: texts of which any two configurations that would fight over it share one; the
  /// keys of its locks. Asks the engine, for two seconds at most; where it does not answer the name is the
  /// one that the configuration tells, and the target claims the rest when it has found its project.
  std::vector<std::string> scaled_identities(const Config& config, const ServiceSpec& spec);

  /// The first of them, as far as the configuration alone tells it.
  std::string scaled_identity(const Config& config, const ServiceSpec& spec);

 private:
  bool dry_run(const ServiceSpec& spec) const { return options_.dry_run && options_.dry_run(spec.name); }
  QueueFactory& queues(const std::string& kind);
  TargetFactory& targets(const std::string& kind);
  OpenQueue queue(const ServiceSpec& spec);

  const Options options_;
  RealClock clock_;
  std::mutex mutex_;  // guards the two maps; factories guard themselves
  std::map<std::string, std::unique_ptr<QueueFactory>> queues_;
  std::map<std::string, std::unique_ptr<TargetFactory>> targets_;
};

}  // namespace docktor
