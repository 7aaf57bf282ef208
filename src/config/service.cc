// One service of the multi-service form.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "config/parts.h"

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

ReadService read_service(ConfigContext& context, const YamlNode& node,
                         const std::optional<Read<std::string>>& compose_file) {
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
  if (const auto* queue = section.section("queue")) {
    Section from(context, kQueue, *queue);
    out.spec.queue = read_queue(from);
  } else if (section.entry("queue")) {
    out.spec.queue.emplace();  // mistaken, and said so: its metrics are not called missing too
  }
  std::optional<Section> target;
  if (const auto* node_of_target = section.section("target"))
    target.emplace(context, kTarget, *node_of_target);
  if (target || !section.entry("target")) {
    out.spec.target =
        read_target(target ? &*target : nullptr, context, compose_file, node.at, section.title());
  }
  read_policy(section, out.spec);

  if (const auto min = section.entry("min_replicas"); out.spec.limits.min_replicas == 0 && !out.spec.queue) {
    context.mistakes.add(min ? min->value.at : node.at,
                         "min_replicas is 0 without a queue, and nothing else can wake the service; add "
                         "queue:; allowed without: 1 or more");
  }
  return out;
}

}  // namespace docktor
