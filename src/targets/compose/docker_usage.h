// CPU and memory of replicas that are containers, from the Engine API's one-shot stats.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/source.h"
#include "docker/docker.h"

namespace docktor {

/// The counters of one stats answer.
struct ContainerCounters {
  Time read{};                   ///< by the engine's clock
  std::uint64_t cpu_total = 0;   ///< ns of CPU used by the container
  std::uint64_t cpu_system = 0;  ///< ns of CPU time of the whole host; 0 where the engine does not tell
  std::uint64_t online_cpus = 0;
  std::optional<double> memory;  ///< bytes, without the page cache's inactive files, as docker stats shows it
  std::optional<double> memory_limit;
};

/// `stats`: the engine's answer, JSON. Nothing for a container that does not run (its `read` is the year 1),
/// and nothing where it is not JSON.
std::optional<ContainerCounters> read_counters(std::string_view stats);

/// Percent of one core between two samples, as docker stats computes it: Δtotal / Δsystem · online CPUs ·
/// 100; by the wall clock (Δtotal / Δread) where there is no system time. Nothing when a counter went back (a
/// restart) or no time passed.
std::optional<double> cpu_percent(const ContainerCounters& before, const ContainerCounters& after);

/// The CPUs that a container may use at most, from its HostConfig: NanoCpus, CpuQuota/CpuPeriod, CpusetCpus;
/// nothing when unlimited.
std::optional<double> cpu_limit(const nlohmann::json& host_config);

/// Samples all ready replicas side by side. A container's first sample has no usage to tell; what has no
/// answer in time is left out. An error only when not a single answer came.
///
/// On engines 20.10 to 24 an answer takes up to one second (the engine waits for its own next sample), on
/// newer ones none.
class DockerUsageSource final : public Source {
 public:
  /// `docker` must outlive this.
  explicit DockerUsageSource(Docker& docker);

  void read(const ReadRequest& request, std::function<void(Result<Reading>)> done) override;
  std::vector<Finding> check(Duration timeout) override;

 private:
  struct State;
  Docker& docker_;
  std::shared_ptr<State> state_;
};

}  // namespace docktor
