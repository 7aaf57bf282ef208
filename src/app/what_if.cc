#include "app/what_if.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "app/journal_load.h"
#include "policy/policies.h"
#include "sim/run.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

double rounded(double v) { return std::round(v * 1e3) / 1e3; }

}  // namespace

Result<const ServiceSpec*> service_meant(const Config& config, const std::string& name) {
  const auto spec = name.empty() && config.services.size() == 1
                        ? config.services.begin()
                        : std::ranges::find(config.services, name, &ServiceSpec::name);
  if (spec != config.services.end()) return &*spec;
  std::vector<std::string> names;
  for (const auto& s : config.services) names.push_back(s.name);
  return fail(ErrorCode::kNotFound, fmt::format("{}; there are: {}",
                                                name.empty() ? "several services: say which one is meant"
                                                             : fmt::format("no service '{}'", name),
                                                fmt::join(names, ", ")));
}

Result<ordered_json> what_if(const Config& config, const Instance& instance, const json& arguments,
                             const std::stop_token& stop) {
  const auto meant = service_meant(config, arguments.value("service", ""));
  if (!meant) return tl::unexpected(meant.error());
  const ServiceSpec* spec = *meant;
  const std::string& name = spec->name;
  const auto recorded = load_from_journal(instance.journal_file(), name);
  if (!recorded) return tl::unexpected(recorded.error());
  const double capacity = arguments.value("capacity", recorded->capacity.value_or(0));
  if (!(capacity > 0)) {
    return fail(ErrorCode::kInvalid,
                "the journal has not learned what a replica carries; give capacity: messages per second of "
                "one replica");
  }
  const double start_up = arguments.value("start_up", recorded->start_up.value_or(3));

  sim::RunSpec run;
  run.load = &recorded->load;
  run.world.worker.service_mean = 1 / capacity;
  run.world.worker.startup_mean = start_up;
  run.world.worker.startup_sd = start_up / 4;
  run.service = *spec;
  auto& limits = run.service.limits;
  limits.min_replicas = arguments.value("min_replicas", limits.min_replicas);
  limits.max_replicas = std::max(arguments.value("max_replicas", limits.max_replicas), 1);
  if (limits.min_replicas > limits.max_replicas) {
    return fail(ErrorCode::kInvalid, fmt::format("min_replicas {} is above max_replicas {}",
                                                 limits.min_replicas, limits.max_replicas));
  }
  if (arguments.contains("max_wait")) {
    run.service.rules.reset();
    run.service.objective = ObjectiveSpec{seconds(arguments["max_wait"].get<double>()), 0.99};
  }
  if (run.service.uses_cpu()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the rules of {} need CPU or memory, which a simulation of a queue does "
                            "not have; give max_wait to try an objective",
                            name));
  }
  if (run.service.uses_one_queue()) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the rules of {} look at one of several queues, and a simulation has them all as one; "
                    "give max_wait to try an objective",
                    name));
  }
  run.stop = stop;
  const sim::RunResult r = sim::run(run, make_policy);
  if (stop.stop_requested()) return fail(ErrorCode::kUnavailable, "stopped");
  return ordered_json{
      {"service", name},
      {"policy", arguments.contains("max_wait") || run.service.objective ? "objective" : "rules"},
      {"load",
       {{"seconds", rounded(r.length)},
        {"messages", r.messages},
        {"unknown_seconds", rounded(recorded->unknown)}}},
      {"assumed",
       {{"capacity", rounded(capacity)},
        {"start_up", rounded(start_up)},
        {"min_replicas", limits.min_replicas},
        {"max_replicas", limits.max_replicas}}},
      {"wait",
       {{"mean", rounded(r.mean)},
        {"p50", rounded(r.p50)},
        {"p95", rounded(r.p95)},
        {"p99", rounded(r.p99)},
        {"max", rounded(r.max)}}},
      {"late_share", r.over},
      {"replicas",
       {{"mean", rounded(r.mean_replicas)},
        {"peak", r.peak_replicas},
        {"replica_seconds", rounded(r.replica_seconds)}}},
      {"changes",
       {{"actions", r.actions}, {"starts", r.starts}, {"stops", r.stops}, {"reversals", r.reversals}}}};
}

}  // namespace docktor
