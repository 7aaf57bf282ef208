#include "sim/contenders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.h"
#include "policy/policies.h"

namespace docktor::sim {
namespace {

Error unknown(std::string_view name) {
  std::vector<std::string_view> names{"objective", "rules"};
  for (const auto& peer : peers::all()) names.emplace_back(peer.name);
  const auto near = did_you_mean(name, names);
  names.back() = "static:N";
  return {ErrorCode::kNotFound,
          fmt::format("{}: there is no such policy{}; the policies are {}", name,
                      near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(names, ", "))};
}

}  // namespace

Result<Contender> contender(std::string_view name, const ServiceSpec& service, const peers::Known& known,
                            std::size_t setting) {
  Contender c;
  c.name = name;
  c.service = service;
  if (name == "objective") {
    if (!service.objective) {
      c.service.objective = ObjectiveSpec{};
      c.service.rules.reset();
    }
    c.make = [](const ServiceSpec& s) { return make_policy(s); };
    return c;
  }
  if (name == "rules") {
    if (!service.rules)
      return fail(ErrorCode::kInvalid, fmt::format("service {} has no rules to compare with", service.name));
    // The goal is still what waits are compared with; only the policy does not know it.
    if (!c.service.objective) c.service.objective = ObjectiveSpec{};
    c.service.limits.steps_given = true;
    c.make = [](const ServiceSpec& s) {
      ServiceSpec rules_only = s;
      rules_only.objective.reset();
      return make_policy(rules_only);
    };
    return c;
  }
  c.service.rules.reset();
  if (!c.service.objective) c.service.objective = ObjectiveSpec{};
  c.service.limits.steps_given = false;
  c.service.limits.cooldown_up = c.service.limits.cooldown_down = c.service.limits.stabilization = {};
  c.service.check_interval = c.service.sample_interval = std::chrono::seconds(1);
  auto made = peers::make(name, setting, c.service, known);
  if (!made) return tl::unexpected(made.error().code == ErrorCode::kNotFound ? unknown(name) : made.error());
  c.make = [key = std::string(name), setting, known](const ServiceSpec& s) {
    return std::move(*peers::make(key, setting, s, known));
  };
  return c;
}

std::vector<std::string> contender_names(const ServiceSpec& service) {
  std::vector<std::string> names{"objective"};
  if (service.rules) names.emplace_back("rules");
  for (const auto& peer : peers::all()) {
    if (peer.name != "static") names.emplace_back(peer.name);
  }
  return names;
}

}  // namespace docktor::sim
