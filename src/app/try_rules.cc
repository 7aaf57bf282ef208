#include "app/try_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/limits.h"
#include "core/record.h"
#include "core/text.h"
#include "policy/rules.h"

namespace docktor {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::array kOps{Op::kGreater,   Op::kGreaterEqual, Op::kLess,
                          Op::kLessEqual, Op::kEqual,        Op::kNotEqual};

struct Named {
  Metric metric;
  std::string queue;  // one of several; empty: all together
};

Result<Named> metric_of(const std::string& name) {
  if (const auto m = metric_named(name)) return Named{*m, {}};
  if (const auto m = queue_metric_named(name)) return Named{m->metric, std::string(m->queue)};
  std::vector<std::string_view> names;
  for (const auto& m : kMetrics) names.push_back(m.name);
  const auto near = did_you_mean(name, names);
  return fail(ErrorCode::kInvalid,
              fmt::format("unknown metric '{}'{}; there are: {}", name,
                          near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(names, ", ")));
}

Result<std::vector<Rule>> rules_of(const json& list) {
  std::vector<Rule> rules;
  for (const auto& item : list) {
    const auto name = item["metric"].get<std::string>();
    const auto metric = metric_of(name);
    if (!metric) return tl::unexpected(metric.error());
    const auto op = item["op"].get<std::string>();
    rules.push_back({metric->metric, *std::ranges::find(kOps, op, [](Op o) { return to_string(o); }),
                     item["value"].get<double>(), name, item["value"].dump(), metric->queue});
  }
  return rules;
}

Result<Observation> observation_of(const json& values) {
  Observation o;
  for (const auto& [name, v] : values.items()) {
    const auto metric = metric_of(name);
    if (!metric) return tl::unexpected(metric.error());
    if (!v.is_number())
      return fail(ErrorCode::kInvalid,
                  fmt::format("observations.{} is {}; it must be a number", name, v.dump()));
    if (metric->queue.empty()) {
      o.set(metric->metric, v.get<double>());
      continue;
    }
    auto part = std::ranges::find(o.parts, metric->queue, &NamedObservation::name);
    if (part == o.parts.end()) part = o.parts.insert(part, {metric->queue, {}});
    part->seen.set(metric->metric, v.get<double>());
  }
  return o;
}

}  // namespace

Result<ordered_json> try_rules(const Config& config, const ordered_json& status, const json& arguments) {
  const auto name = status.value("service", "");
  const auto service = std::ranges::find(config.services, name, &ServiceSpec::name);
  if (service == config.services.end())
    return fail(ErrorCode::kNotFound, fmt::format("no service '{}'", name));
  ServiceSpec spec = *service;
  if (const auto it = arguments.find("rules"); it != arguments.end()) {
    auto up = rules_of(it->value("scale_up_when", json::array()));
    auto down = rules_of(it->value("scale_down_when", json::array()));
    if (!up) return tl::unexpected(up.error());
    if (!down) return tl::unexpected(down.error());
    spec.rules = RulesSpec{std::move(*up), std::move(*down)};
  }
  if (!spec.rules) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} has an objective and no rules; give rules: {{scale_up_when: [...], "
                            "scale_down_when: [...]}}, or ask get_status what the objective decided",
                            name));
  }
  const json shown = status.value("observation", json::object());
  auto observation = observation_of(arguments.value("observations", shown));
  if (!observation) return tl::unexpected(observation.error());

  auto& limits = spec.limits;
  limits.min_replicas =
      std::max(status.value("min_replicas", limits.min_replicas), arguments.value("min_replicas", 0));
  limits.max_replicas = std::min(status.value("max_replicas", limits.max_replicas),
                                 arguments.value("max_replicas", limits.max_replicas));
  if (limits.min_replicas > limits.max_replicas) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the bounds given leave nothing of those of {}, {}..{}", name,
                            status.value("min_replicas", 0), status.value("max_replicas", 0)));
  }
  const int there = status.value("ready", 0) + status.value("starting", 0) + status.value("failing", 0);
  const int current = arguments.value("current_replicas", there);

  spec.queue.reset();  // the numbers are taken as given: whether they are fresh is not for the limits to ask
  const Situation situation{time_at(0), {current, current}, *observation, *observation};
  RulesPolicy policy(*spec.rules, limits.scale_up_by, limits.scale_down_by);
  const Decision d = Limits(spec).apply(time_at(0), situation, {}, policy.recommend(situation));
  ordered_json j = {{"service", name}};
  auto record = to_json(d);
  j["action"] = record["decision"];
  for (const char* key : {"current_replicas", "target_replicas", "reason", "matched_rules", "limits"})
    j[key] = record[key];
  return j;
}

}  // namespace docktor
