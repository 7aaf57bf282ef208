// The parts of a configuration, each read from its map into the spec; one file per part. Mistakes go to the
// context.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/section.h"
#include "core/host_spec.h"
#include "core/http_spec.h"
#include "core/lease_spec.h"
#include "core/notify_spec.h"
#include "core/spec.h"

namespace docktor {

/// Replicas, steps, intervals, cooldowns: the same keys in a service and in the legacy `scaling`.
void read_limits(Section& from, ServiceSpec& into);

/// After read_policy: with an objective, what is not given follows from it.
void read_intervals(Section& from, ServiceSpec& into);

/// `schedule`, after read_limits.
void read_schedule(Section& from, ServiceSpec& into);

/// `rules` and `objective`, and what they need: call it when queue and target are known.
void read_policy(Section& service, ServiceSpec& into);

/// `service` is how mistakes call the service. A mistaken kind leaves the spec empty.
QueueSpec read_queue(ConfigContext& context, const YamlNode& node, const std::string& service,
                     Position service_at);
/// Several queues as one, with each in `parts`; one alone without a name of its own is as `queue`. `nodes` is not empty.
QueueSpec read_queues(ConfigContext& context, const std::vector<const YamlNode*>& nodes,
                      const std::string& service, Position service_at);
/// `node` may be nullptr: the implied kind, where the service has no `target`.
TargetSpec read_target(ConfigContext& context, const YamlNode* node, const std::string& service,
                       Position service_at);

/// One of services[]; the name's place is for finding the same name twice.
struct ReadService {
  ServiceSpec spec;
  std::string name_shown;  ///< as a mistake may repeat it
  Position name_at;
};
ReadService read_service(ConfigContext& context, const YamlNode& node);

/// The legacy form: `service`, `scaling` and perhaps `target` at the top.
ServiceSpec read_legacy(Section& top);

std::optional<LlmSpec> read_llm(Section& top);

HttpSpec read_http(Section& top);

HostSpec read_host(Section& top);

/// When the services are known.
std::optional<LeaseSpec> read_high_availability(Section& top, const Config& config);

/// When the services are known.
std::vector<ChannelSpec> read_notifications(Section& top, const Config& config);

/// Reports a name that cannot be a service's: it is part of file names and of names in the engine.
void check_service_name(Mistakes& mistakes, const Read<std::string>& name);

}  // namespace docktor
