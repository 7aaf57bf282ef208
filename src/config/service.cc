// One service of the multi-service form.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config/kind.h"
#include "config/parts.h"
#include "core/worker_habits.h"

namespace docktor {

void check_service_name(Mistakes& mistakes, const Read<std::string>& read) {
  const std::string& name = read.value;
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool good = !name.empty() && alphanumeric(name[0]) && std::ranges::all_of(name, [&](char c) {
    return alphanumeric(c) || c == '_' || c == '-' || c == '.';
  });
  if (!good) {
    mistakes.add(
        read.place,
        fmt::format("{} cannot name a service; allowed: letters, digits and _ - ., a letter or digit first",
                    read.shown));
  }
}

QueueSpec read_queue(ConfigContext& context, const YamlNode& node, const std::string& service,
                     Position service_at) {
  auto read = read_kind(context, queue_sort(context.kinds), &node, service, service_at);
  if (!read.kind) return {};
  return {std::string(read.kind->name), std::move(read.identity), std::move(read.shown),
          std::move(read.settings)};
}

namespace {

// Rules tell them apart by their names, and what waits in one must not count twice.
void check_queue(Mistakes& mistakes, const std::vector<std::pair<QueueSpec, Position>>& earlier,
                 const QueueSpec& queue, Position at) {
  for (const auto& [other, other_at] : earlier) {
    if (queue.name == other.name) {
      mistakes.add(at, fmt::format("two queues are called {}, the first at line {}; names must differ: write "
                                   "another name:",
                                   queue.name, other_at.line));
    } else if (queue.kind == other.kind && queue.shown == other.shown && queue.settings == other.settings) {
      mistakes.add(at,
                   fmt::format("this is the same queue as {} at line {}, and its messages would count twice; "
                               "leave one out",
                               other.name, other_at.line));
    }
  }
}

}  // namespace

QueueSpec read_queues(ConfigContext& context, const std::vector<const YamlNode*>& nodes,
                      const std::string& service, Position service_at) {
  std::vector<std::pair<QueueSpec, Position>> read;
  for (const auto* node : nodes) {
    auto one = read_kind(context, queues_sort(context.kinds), node, service, service_at);
    if (!one.kind) continue;  // mistaken, and said so
    QueueSpec queue{std::string(one.kind->name), std::move(one.identity), std::move(one.shown),
                    std::move(one.settings), std::move(one.name)};
    if (queue.name.empty() && nodes.size() == 1) return queue;
    if (queue.name.empty() && !node->find("name"))
      context.mistakes.add(
          node->at,
          "one of several queues needs a name, by which rules and status call it; write name: with "
          "letters, digits, _ and -");
    if (!queue.name.empty()) check_queue(context.mistakes, read, queue, one.name_at);
    read.emplace_back(std::move(queue), one.name_at);
  }
  QueueSpec all;
  std::vector<std::string> identities;
  for (auto& [queue, at] : read) {
    identities.push_back(fmt::format("{} {}", queue.name, queue.identity));
    all.shown += fmt::format("{}{}: {}", all.shown.empty() ? "" : "; ", queue.name, queue.shown);
    all.parts.push_back(std::move(queue));
  }
  std::ranges::sort(identities);  // the order of the file means nothing
  for (const auto& i : identities) all.identity += (all.identity.empty() ? "" : "; ") + i;
  return all;
}

TargetSpec read_target(ConfigContext& context, const YamlNode* node, const std::string& service,
                       Position service_at) {
  auto read = read_kind(context, target_sort(context.kinds), node, service, service_at);
  if (!read.kind) return {};
  return {std::string(read.kind->name), std::move(read.settings)};
}

namespace {

void read_worker(Section& service, ServiceSpec& into) {
  const auto habits = service.pairs("worker");
  if (!habits) return;
  const auto& written = service.entry("worker")->value;
  for (const auto& [name, value] : habits->value) {
    if (const auto v = habit_value(name, value); !v) {
      const auto* entry = written.find(name);
      service.context().mistakes.add(entry ? entry->key_at : written.at, v.error().message);
    }
  }
  into.worker = habits->value;
}

}  // namespace

namespace {

void read_several(Section& service, ServiceSpec& into, Position service_at) {
  if (!service.entry("queues")) return;
  auto& mistakes = service.context().mistakes;
  if (service.entry("queue"))
    mistakes.add(service.key_at("queues"), "both queue and queues are written; write all of them in queues");
  const auto nodes = service.sections("queues");
  into.queue.emplace();  // also where it is mistaken
  if (!nodes || nodes->empty()) return;
  into.queue = read_queues(service.context(), *nodes, service.title(), service_at);
}

}  // namespace

ReadService read_service(ConfigContext& context, const YamlNode& node) {
  ReadService out;
  const auto* name_entry = node.find("name");
  const bool has_name = name_entry && name_entry->value.kind == YamlNode::Kind::kScalar;
  Section section(context, kService, node,
                  has_name ? fmt::format("service {}", in_quotes(name_entry->value.text)) : std::string());
  out.name_at = node.at;
  if (const auto name = section.text("name")) {
    out.spec.name = name->value;
    out.name_shown = name->shown;
    out.name_at = name->place.position;
    check_service_name(context.mistakes, *name);
  }
  read_limits(section, out.spec);
  read_schedule(section, out.spec);
  if (const auto priority = section.integer("priority")) out.spec.priority = priority->value;
  if (const auto* queue = section.section("queue")) {
    out.spec.queue = read_queue(context, *queue, section.title(), node.at);
  } else if (section.entry("queue")) {
    out.spec.queue.emplace();  // mistaken, and said so: its metrics are not called missing too
  }
  read_several(section, out.spec, node.at);
  const auto* target = section.section("target");
  if (target || !section.entry("target"))
    out.spec.target = read_target(context, target, section.title(), node.at);
  read_policy(section, out.spec);
  read_intervals(section, out.spec);
  read_worker(section, out.spec);

  if (const auto min = section.entry("min_replicas"); out.spec.limits.min_replicas == 0 && !out.spec.queue) {
    context.mistakes.add(min ? min->value.at : node.at,
                         "min_replicas is 0 without a queue, and nothing else can wake the service; add "
                         "queue:; allowed without: 1 or more");
  }
  return out;
}

}  // namespace docktor
