// The parts of a configuration, each read from its map into the spec; one file per part. Mistakes go to the
// context.
#pragma once

#include <optional>
#include <string>

#include "config/section.h"
#include "core/spec.h"

namespace docktor {

/// Replicas, steps, intervals, cooldowns: the same keys in a service and in the legacy `scaling`.
void read_limits(Section& from, ServiceSpec& into);

/// `rules` and `objective`, and what they need: call it when queue and target are known.
void read_policy(Section& service, ServiceSpec& into);

QueueSpec read_queue(Section& from);

/// `from` may be absent. `compose_file` is the one of the whole file. `service` says what the mistakes name.
TargetSpec read_target(Section* from, ConfigContext& context,
                       const std::optional<Read<std::string>>& compose_file, Position service_at,
                       const std::string& service);

/// One of services[]; the name's place is for finding the same name twice.
struct ReadService {
  ServiceSpec spec;
  std::string name_shown;  ///< as a mistake may repeat it
  Position name_at;
};
ReadService read_service(ConfigContext& context, const YamlNode& node,
                         const std::optional<Read<std::string>>& compose_file);

/// The legacy form: `service`, `scaling` and perhaps `target` at the top.
ServiceSpec read_legacy(Section& top, const std::optional<Read<std::string>>& compose_file);

std::optional<LlmSpec> read_llm(Section& top);

/// Reports a name that cannot be a service's: it is part of file names and of Compose's own names.
void check_service_name(Mistakes& mistakes, const Read<std::string>& name);

}  // namespace docktor
