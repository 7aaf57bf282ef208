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
  Result<int> count_replicas(const Config& config, const ServiceSpec& spec, const std::stop_token& stop);

  /// For `config validate`: what the world says to this service. Blocking.
  std::vector<Finding> check(const Config& config, const ServiceSpec& spec);

 private:
  ServiceParts make_real(const Config& config, const ServiceSpec& spec, std::function<void()> on_change);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a service scales, the same text for any two configurations that would fight over it; the key of its
/// lock.
std::string scaled_identity(const Config& config, const ServiceSpec& spec);

}  // namespace docktor
