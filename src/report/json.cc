#include <nlohmann/json.hpp>
#include <string>

#include "report/report.h"
#include "report/verdict.h"

namespace docktor::report {
namespace {

using Json = nlohmann::ordered_json;

// nlohmann prints what is not finite as null, and replaces what is not UTF-8 when it is told to (see dump).
Json json_of(const Report& report, const Line& line) {
  const sim::RunResult& r = line.result;
  return {
      {"policy", line.policy},
      {"note", line.note},
      {"ours", line.ours},
      {"keeps_objective", keeps(report, line)},
      {"messages", r.messages},
      {"length_seconds", r.length},
      {"replica_seconds", r.replica_seconds},
      {"service_seconds", r.service_seconds},
      {"rho", r.rho},
      {"rho_low", line.rho_low},
      {"rho_high", line.rho_high},
      {"rho_to_optimum", line.to_optimum > 0 ? Json(line.to_optimum) : Json(nullptr)},
      {"wait_mean_seconds", r.mean},
      {"wait_p50_seconds", r.p50},
      {"wait_p95_seconds", r.p95},
      {"wait_p99_seconds", r.p99},
      {"wait_p99_low_seconds", line.p99_low},
      {"wait_p99_high_seconds", line.p99_high},
      {"wait_p999_seconds", r.p999},
      {"wait_max_seconds", r.max},
      {"over_objective_share", r.over},
      {"starts", r.starts},
      {"stops", r.stops},
      {"actions", r.actions},
      {"reversals", r.reversals},
      {"starts_per_hour", r.per_hour(r.starts)},
      {"actions_per_hour", r.per_hour(r.actions)},
      {"reversals_per_hour", r.per_hour(r.reversals)},
      {"mean_replicas", r.mean_replicas},
      {"peak_replicas", r.peak_replicas},
      {"theta_u_percent", r.elasticity.theta_u},
      {"theta_o_percent", r.elasticity.theta_o},
      {"tau_u_percent", r.elasticity.tau_u},
      {"tau_o_percent", r.elasticity.tau_o},
      {"elastic_speedup", line.speedup},
      {"decisions", r.decisions},
  };
}

}  // namespace

std::string json(const Report& report) {
  Json out = {
      {"format", "docktor-simulate/1"},  {"version", report.version},
      {"load", report.load_name},        {"world", report.world},
      {"length_seconds", report.length}, {"max_wait_seconds", report.max_wait},
      {"quantile", report.quantile},     {"capacity_messages_per_second", report.capacity},
      {"seeds", report.seeds},           {"headline", headline(report)},
      {"policies", Json::array()},       {"clairvoyant_frontier", Json::array()},
  };
  for (const Line& line : report.lines) out["policies"].push_back(json_of(report, line));
  for (const auto& [rho, p99] : report.frontier)
    out["clairvoyant_frontier"].push_back({{"rho", rho}, {"wait_p99_seconds", p99}});
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace docktor::report
