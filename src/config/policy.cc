// Rules and objective of a service, and whether anything delivers what they look at.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
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

struct Told {
  std::vector<std::string_view> names;  // of queue.*
  std::string why;                      // not the others; see Untold
};

// A queue that is mistaken is taken to tell everything: what is wrong with it was said.
Told told_by(const Kinds& kinds, const QueueSpec& queue) {
  const auto untold = kinds.untold(queue);
  Told told{{}, untold.why};
  for (const auto& m : kMetrics) {
    if (is_queue(m.metric) && !untold.holds(m.metric)) told.names.push_back(m.name);
  }
  return told;
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
      const auto one = queue_metric_named(metric->value);
      const QueueSpec* part = one ? part_named(one->queue) : nullptr;
      if (const auto m = metric_named(metric->value)) {
        rule.metric = *m;
        check_delivered(*metric, *m);
      } else if (part) {
        rule.metric = one->metric;
        rule.queue = one->queue;
        check_told_by(*part, *metric, one->metric);
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

  const QueueSpec* part_named(std::string_view queue) const {
    const auto it = std::ranges::find(parts(), queue, &QueueSpec::name);
    return it == parts().end() ? nullptr : &*it;
  }

  // What rules may name: all queues together, and each of several.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& m : kMetrics) out.emplace_back(m.name);
    for (const auto& part : parts()) {
      for (const auto& m : kMetrics) {
        if (is_queue(m.metric)) out.push_back(name_of(part.name, m.metric));
      }
    }
    return out;
  }

  std::span<const QueueSpec> parts() const {
    return service_.queue ? std::span<const QueueSpec>(service_.queue->parts) : std::span<const QueueSpec>();
  }

  void unknown(const Read<std::string>& metric) {
    const auto one = queue_metric_named(metric.value);
    if (one && parts().empty()) {
      context_.mistakes.add(
          metric.place,
          fmt::format(
              "{} is of one of several queues, which stand in queues:, each with a name; of the only one "
              "write {}",
              metric.shown, name(one->metric)));
      return;
    }
    const auto all = names();
    const auto near = did_you_mean(metric.value, std::vector<std::string_view>(all.begin(), all.end()));
    std::string allowed = fmt::format("allowed: {}", fmt::join(metric_names(), ", "));
    if (!parts().empty()) {
      std::vector<std::string_view> queues;
      for (const auto& p : parts()) queues.push_back(p.name);
      allowed += fmt::format(", and queue.NAME.backlog and so on of {}", fmt::join(queues, ", "));
    }
    context_.mistakes.add(metric.place, fmt::format("unknown metric {}; {}", metric.shown,
                                                    near ? fmt::format("did you mean {}?", *near) : allowed));
  }

  void check_delivered(const Read<std::string>& metric, Metric m) {
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
    if (service_.queue->parts.empty()) return check_told_by(*service_.queue, metric, m);
    for (const auto& part : service_.queue->parts) {
      const auto told = told_by(context_.kinds, part);
      if (std::ranges::find(told.names, name(m)) != told.names.end()) continue;
      context_.mistakes.add(
          metric.place,
          fmt::format(
              "{} is the sum of all queues, and {}, of kind {}, does not tell it{}; it tells {}; of a queue "
              "that tells it write {}",
              metric.value, part.name, part.kind, told.why, fmt::join(told.names, ", "), name_of("NAME", m)));
      return;
    }
  }

  void check_told_by(const QueueSpec& queue, const Read<std::string>& metric, Metric m) {
    const auto told = told_by(context_.kinds, queue);
    if (std::ranges::find(told.names, name(m)) != told.names.end()) return;
    if (told.names.empty()) return;  // a mistake of the queue's own section, which was told
    context_.mistakes.add(metric.place,
                          fmt::format("a queue of kind {} does not tell {}{}; it tells {}", queue.kind,
                                      metric.value, told.why, fmt::join(told.names, ", ")));
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

// Messages that come and go are counted, or follow from those in hand (policy/objective/net_flow.h): of several queues,
// of all in the same way.
void check_flow(Section& service, const QueueSpec& queue) {
  const auto& kinds = service.context().kinds;
  const std::vector<QueueSpec> parts = queue.parts.empty() ? std::vector{queue} : queue.parts;
  const auto uncounted = [&](const QueueSpec& part) { return kinds.untold(part).flow; };
  const auto no_hand = [&](const QueueSpec& part) {
    return kinds.untold(part).holds(Metric::kQueueAckPending);
  };
  const auto first = std::ranges::find_if(parts, uncounted), second = std::ranges::find_if(parts, no_hand);
  if (first == parts.end() || second == parts.end()) return;
  const auto text = [&](const QueueSpec& part) {
    return fmt::format("a queue of kind {}{}", part.kind,
                       part.name.empty() ? "" : fmt::format(" ({})", part.name));
  };
  std::string message =
      "an objective needs to know how many messages come and go, or how many the workers have in hand";
  if (const auto both =
          std::ranges::find_if(parts, [&](const auto& q) { return uncounted(q) && no_hand(q); });
      both != parts.end())
    message += fmt::format(", and {} tells neither{}", text(*both), kinds.untold(*both).why);
  else
    message += fmt::format(", of all queues the same; {} does not tell the first{}, {} not the second{}",
                           text(*first), kinds.untold(*first).why, text(*second), kinds.untold(*second).why);
  service.context().mistakes.add(service.key_at("objective"),
                                 message + "; write rules (on queue.backlog) in its place");
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
  if (!service.entry("queue") && !service.entry("queues")) {
    service.context().mistakes.add(
        service.key_at("objective"),
        "an objective needs a queue, whose messages wait; add queue: to the service");
  }
  if (into.queue) check_flow(service, *into.queue);
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
