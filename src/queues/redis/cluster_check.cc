#include "queues/redis/cluster_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string>
#include <string_view>

#include "queues/redis/job_base.h"
#include "queues/redis/job_layouts.h"

namespace docktor {

namespace {

std::string shown_key(std::string_view key, int slot, const SlotMap& slots) {
  const auto place = slots.master(slot);
  return fmt::format("{} (slot {}{})", one_line(key), slot, place.empty() ? "" : ", " + place);
}

// The first keys of the first two slots that the reading of this queue needs; empty where it is one slot.
std::string apart(const RedisSpec& spec, const SlotMap& slots) {
  std::map<int, std::string> first;  // by slot
  for (const auto& command : make_layout(spec)->begin(Time{})) {
    const auto key = key_of(command);
    if (key) first.emplace(redis_slot(*key), *key);
  }
  if (first.size() < 2) return {};
  const auto& [a, key_a] = *first.begin();
  const auto& [b, key_b] = *std::next(first.begin());
  return fmt::format("keys {} and {}", shown_key(key_a, a, slots), shown_key(key_b, b, slots));
}

}  // namespace

std::vector<Finding> cluster_findings(const RedisRouter::Cluster& cluster, const RedisSpec& spec) {
  std::vector<Finding> out;
  const auto masters = cluster.slots.masters();
  if (cluster.may_ask) {
    out.push_back({Severity::kOk,
                   fmt::format("cluster, {}: {}", some(masters.size(), "master"), fmt::join(masters, ", ")),
                   {}});
  } else {
    out.push_back({Severity::kWarning,
                   "cluster, and this user may not use CLUSTER SLOTS: docktor finds a key's server by asking "
                   "the one in queue.url, and sees nothing while that one is down",
                   "allow it: ACL SETUSER NAME +cluster|slots (before Redis 7: +cluster)"});
  }
  const auto* framework = framework_named(spec.framework);
  if (!framework) return out;
  std::vector<RedisSpec> parts = {spec};
  if (framework->slot_a_queue) {
    parts.assign(spec.queues.size(), spec);
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].queues = {spec.queues[i]};
  }
  for (const auto& part : parts) {
    const auto keys = apart(part, cluster.slots);
    if (keys.empty()) continue;
    out.push_back(
        {Severity::kWarning,
         fmt::format("{} lie in different slots of the cluster: docktor reads them all the same, but {} "
                     "needs the keys of {} in one slot, and its own commands fail (CROSSSLOT)",
                     keys, framework->shown, framework->slot_a_queue ? "a queue" : "all its queues"),
         framework->tag});
  }
  return out;
}

}  // namespace docktor
