// Rules and objective of a service, and whether anything delivers what they look at.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "config/kind.h"
#include "config/parts.h"
#include "core/text.h"

namespace docktor {

namespace {

std::vector<std::string_view> metric_names() {
  std::vector<std::string_view> names;
  names.reserve(kMetricCount);
  for (const auto& m : kMetrics) names.push_back(m.name);
  return names;
}

Op op_named(std::string_view text) {
  for (const auto op : {Op::kGreater, Op::kGreaterEqual, Op::kLess, Op::kLessEqual, Op::kEqual}) {
    if (to_string(op) == text) return op;
  }
  return Op::kNotEqual;
}

class RuleReader {
 public:
  RuleReader(ConfigContext& context, const ServiceSpec& service) : context_(context), service_(service) {}

  std::vector<Rule> read(Section& rules, std::string_view key) {
    std::vector<Rule> out;
    const auto nodes = rules.sections(key);
    if (!nodes) return out;
    for (const auto* node : *nodes) out.push_back(read_one(*node));
    return out;
  }

 private:
  Rule read_one(const YamlNode& node) {
    Section section(context_, kRule, node);
    Rule rule;
    if (const auto metric = section.text("metric")) {
      rule.metric_text = metric->value;
      if (const auto m = metric_named(metric->value)) {
        rule.metric = *m;
        check_delivered(*metric);
      } else {
        unknown(*metric);
      }
    }
    // A bare > opens a block of text in YAML, and a bare != is a tag: what is left of both is an empty text.
    const auto* op_entry = section.entry("op");
    if (op_entry && op_entry->value.block) {
      context_.mistakes.add(op_entry->value.at,
                            "op is a block of text, as a bare > begins one in YAML; write \">\" in quotes");
    } else if (const auto op = section.text("op")) {
      rule.op = op_named(op->value);
    }
    if (const auto value = section.number("value")) {
      rule.value = value->value;
      rule.value_text = *scalar_text(context_, section.entry("value")->value, "value", "");
    }
    return rule;
  }

  void unknown(const Read<std::string>& metric) {
    const auto names = metric_names();
    const auto near = did_you_mean(metric.value, names);
    context_.mistakes.add(metric.place,
                          fmt::format("unknown metric {}; {}", metric.shown,
                                      near ? fmt::format("did you mean {}?", *near)
                                           : fmt::format("allowed: {}", fmt::join(names, ", "))));
  }

  void check_delivered(const Read<std::string>& metric) {
    const auto m = *metric_named(metric.value);
    if (is_queue(m) && !service_.queue) {
      context_.mistakes.add(
          metric.place,
          fmt::format("nothing delivers {} without a queue; add queue: to the service", metric.value));
    }
    if (is_queue(m) && service_.queue) check_told(metric, m);
    const bool needs_limit = m == Metric::kCpuLimitPct || m == Metric::kMemLimitPct;
    const auto* kind = context_.kinds.target(service_.target.kind);
    if (needs_limit && kind && !kind->has_limits) {
      context_.mistakes.add(
          metric.place,
          fmt::format(
              "nothing delivers {} of a target of kind {}, whose replicas have no limit; use cpu.avg, "
              "cpu.min, cpu.max or mem.used",
              metric.value, kind->name));
    }
  }

  void check_told(const Read<std::string>& metric, Metric m) {
    const auto* kind = context_.kinds.queue(service_.queue->kind);
    if (!kind || !kind->untold) return;
    const auto untold = kind->untold(service_.queue->settings);
    const auto is_told = [&](Metric other) {
      return is_queue(other) && std::ranges::find(untold.metrics, other) == untold.metrics.end();
    };
    if (is_told(m)) return;
    std::vector<std::string_view> told;
    for (const auto& other : kMetrics) {
      if (is_told(other.metric)) told.push_back(other.name);
    }
    context_.mistakes.add(metric.place,
                          fmt::format("a queue of kind {} does not tell {}{}; it tells {}", kind->name,
                                      metric.value, untold.why, fmt::join(told, ", ")));
  }

  ConfigContext& context_;
  const ServiceSpec& service_;
};

// A list that is mistaken counts as one with rules: what is wrong with it was said.
bool has_no_rule(const Section& rules) {
  return std::ranges::all_of(std::array{"scale_up_when", "scale_down_when"}, [&](const char* key) {
    const auto* e = rules.entry(key);
    return !e || (e->value.kind == YamlNode::Kind::kList && e->value.items.empty());
  });
}

void read_objective(Section& service, ServiceSpec& into) {
  const auto* node = service.section("objective");
  if (!node) return;
  Section section(service.context(), kObjective, *node);
  ObjectiveSpec objective;
  if (const auto d = section.duration("max_wait")) objective.max_wait = d->value;
  if (const auto q = section.number("quantile")) objective.quantile = q->value;
  if (const auto h = section.percent("max_headroom")) objective.max_headroom = h->value;
  into.objective = objective;
  if (!service.entry("queue")) {
    service.context().mistakes.add(
        service.key_at("objective"),
        "an objective needs a queue, whose messages wait; add queue: to the service");
  }
  const auto* kind = into.queue ? service.context().kinds.queue(into.queue->kind) : nullptr;
  const auto untold = kind && kind->untold ? kind->untold(into.queue->settings) : Untold{};
  if (kind && (!kind->counts_flow || untold.flow)) {
    service.context().mistakes.add(
        service.key_at("objective"),
        fmt::format("an objective needs to know how many messages come and go, and a queue of kind {} does "
                    "not tell{}; write rules: on queue.backlog",
                    kind->name, untold.why));
  }
}

}  // namespace

void read_policy(Section& service, ServiceSpec& into) {
  auto& mistakes = service.context().mistakes;
  if (const auto* node = service.section("rules")) {
    Section section(service.context(), kRules, *node);
    RuleReader reader(service.context(), into);
    RulesSpec rules;
    rules.scale_up_when = reader.read(section, "scale_up_when");
    rules.scale_down_when = reader.read(section, "scale_down_when");
    into.rules = std::move(rules);
    if (has_no_rule(section)) {
      mistakes.add(node->at, "rules has no rule; write scale_up_when, scale_down_when or both");
    }
  }
  read_objective(service, into);

  if (!service.entry("rules") && !service.entry("objective")) {
    mistakes.add(
        service.at(),
        fmt::format("{} has neither rules nor an objective; write rules: or objective:", service.title()));
  }
  if (const auto mode = service.text("rules_mode")) {
    into.rules_mode = mode->value == "veto" ? RulesMode::kVeto : RulesMode::kFloor;
    if (mode->given && !(service.entry("rules") && service.entry("objective"))) {
      mistakes.add(service.key_at("rules_mode"),
                   "rules_mode says how rules act beside an objective; write both, or leave it out");
    }
  }
}

}  // namespace docktor
