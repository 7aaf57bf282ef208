// Joins the parts: the one place that knows every kind of source, policy and target.
#pragma once

#include <spdlog/logger.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "control/service.h"
#include "core/finding.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor {

/// Owns what services share: connections to servers, the supervisor of processes, the engine's client. Must
/// outlive the parts that it made.
class Wiring {
 public:
  struct Options {
    std::string state_dir;
    std::string log_dir;
    spdlog::logger& log;
    std::function<bool(const std::string& service)> dry_run{};  ///< services whose orders are not carried out
    /// Takes the lock of what a target has found out that it scales; see ComposeOptions::claim.
    std::function<Result<std::shared_ptr<void>>(const std::string& service, const std::string& what)> claim{};
  };
  explicit Wiring(Options options);

  /// What a service scales: texts of which any two configurations that would fight over it share one; the
  /// keys of its locks. Asks the engine, for two seconds at most; where it does not answer the name is the
  /// one that the configuration tells, and the target claims the rest when it has found its project.
  std::vector<std::string> scaled_identities(const Config& config, const ServiceSpec& spec);
  ~Wiring();
  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;

  /// `on_change` is called from any thread when the target's report changed.
  ServiceParts make(const Config& config, const ServiceSpec& spec, std::function<void()> on_change);

  /// What a look without a daemon needs: policy and queue, nothing that acts.
  ServiceParts look(const ServiceSpec& spec);

  /// How many replicas run, without adopting or watching any. Blocking.
  Result<int> count_replicas(const Config& config, const ServiceSpec& spec, const std::stop_token& stop);

  /// For `config validate`: what the world says to this service. Blocking.
  std::vector<Finding> check(const Config& config, const ServiceSpec& spec);

 private:
  ServiceParts make_real(const Config& config, const ServiceSpec& spec, std::function<void()> on_change);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a service scales, as far as the configuration alone tells it.
std::string scaled_identity(const Config& config, const ServiceSpec& spec);

}  // namespace docktor
