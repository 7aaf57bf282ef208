// One service of the multi-service form.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

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
