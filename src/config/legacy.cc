// The legacy single-service form of the original Docktor: one service, scaled by its CPU.
#include <fmt/format.h>

#include "config/parts.h"

namespace docktor {

namespace {

Rule cpu_rule(Op op, const Read<double>& value, std::string text) {
  return {.metric = Metric::kCpuAvg,
          .op = op,
          .value = value.value,
          .metric_text = "cpu.avg",
          .value_text = std::move(text)};
}

void read_cpu_rules(Section& scaling, ServiceSpec& spec) {
  auto& context = scaling.context();
  const auto high = scaling.number("cpu_high");
  const auto low = scaling.number("cpu_low");
  const auto written = [&](std::string_view key) {
    return scalar_text(context, scaling.entry(key)->value, key, "").value_or("");
  };
  RulesSpec rules;
  if (high) rules.scale_up_when.push_back(cpu_rule(Op::kGreater, *high, written("cpu_high")));
  if (low) rules.scale_down_when.push_back(cpu_rule(Op::kLess, *low, written("cpu_low")));
  spec.rules = std::move(rules);
  if (!scaling.entry("cpu_high") && !scaling.entry("cpu_low")) {
    context.mistakes.add(
        scaling.at(), "scaling has neither cpu_high nor cpu_low; write one or both, in percent of one core");
  }
  if (high && low && low->value >= high->value) {
    context.mistakes.add(
        low->place,
        fmt::format("cpu_low is {}, not below cpu_high {}, and the service would go up and down for ever; "
                    "allowed: less than {}",
                    written("cpu_low"), written("cpu_high"), written("cpu_high")));
  }
}

}  // namespace

ServiceSpec read_legacy(Section& top) {
  auto& context = top.context();
  ServiceSpec spec;
  std::string name_shown;
  if (const auto name = top.text("service")) {
    spec.name = name->value;
    name_shown = name->shown;
    check_service_name(context.mistakes, *name);
  } else if (!top.entry("service")) {
    context.mistakes.add(top.at(), "service is missing beside scaling; write service: NAME");
  }
  if (const auto* node = top.section("scaling")) {
    Section scaling(context, kScaling, *node);
    read_limits(scaling, spec);
    read_intervals(scaling, spec);
    read_cpu_rules(scaling, spec);
    if (spec.limits.min_replicas == 0) {
      context.mistakes.add(
          scaling.key_at("min_replicas"),
          "min_replicas is 0 without a queue, and nothing else can wake the service; allowed: 1 or more");
    }
  } else if (!top.entry("scaling")) {
    context.mistakes.add(
        top.key_at("service"),
        "scaling is missing beside service; write scaling: with cpu_high, cpu_low and max_replicas");
  }
  const auto* target = top.section("target");
  if (target || !top.entry("target")) {
    spec.target = read_target(context, target, fmt::format("service {}", name_shown), top.key_at("service"));
  }
  return spec;
}

}  // namespace docktor
