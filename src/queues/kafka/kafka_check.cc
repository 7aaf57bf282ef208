#include "queues/kafka/kafka_check.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "core/text.h"
#include "queues/kafka/sample_maker.h"

namespace docktor {

namespace {

std::string members_text(const std::optional<GroupMembers>& members) {
  if (!members) return "members not told (there are none yet, or the group is of the new protocol, KIP-848)";
  return fmt::format("{} member{}{}", members->count, members->count == 1 ? "" : "s",
                     members->rebalancing ? ", rebalancing" : "");
}

void check_offsets(std::vector<Finding>& out, const KafkaSpec& spec, const GroupFigures& figures,
                   bool may_reach_zero) {
  SampleMaker maker(spec);
  const auto sample = maker.make(std::chrono::steady_clock::now(), figures);
  std::uint64_t lost = 0;
  for (const auto& p : figures.partitions) {
    if (p.committed && *p.committed < p.begin) lost += static_cast<std::uint64_t>(p.begin - *p.committed);
  }
  out.push_back({Severity::kOk,
                 fmt::format("group {}: {} in {}, {}", spec.what(),
                             sample ? fmt::format("{} records behind", sample->num_pending) : "lag unknown",
                             sample ? sample->useful->why : "?", members_text(figures.members)),
                 {}});
  if (lost > 0)
    out.push_back({Severity::kWarning,
                   fmt::format("{} records were deleted before group {} read them (the topic's retention)",
                               lost, spec.group),
                   "let the topic keep its records for longer (retention.ms)"});
  if (const auto& why = maker.unfit_for_zero(); !why.empty() && may_reach_zero)
    out.push_back({Severity::kWarning, why,
                   "docktor keeps one replica until there are commits in all partitions; for zero replicas "
                   "let the workers "
                   "set auto.offset.reset to earliest, and write offset_reset: earliest"});
  else if (!spec.earliest && may_reach_zero)
    out.push_back({Severity::kWarning,
                   fmt::format("after offsets.retention.minutes (7 days) without a member Kafka forgets the "
                               "commits of group {}; "
                               "what comes then before a worker runs is skipped",
                               spec.group),
                   "let the workers set auto.offset.reset to earliest, and write offset_reset: earliest"});
}

}  // namespace

std::vector<Finding> check_kafka_group(const KafkaSpec& spec, const Result<GroupFigures>& figures,
                                       int min_replicas, int max_replicas) {
  std::vector<Finding> out;
  const bool missing = !figures && figures.error().code == ErrorCode::kNotFound;
  if (!figures && !missing)
    return {{Severity::kError, figures.error().message, {}}};  // it has the cure in it
  out.push_back({Severity::kOk,
                 fmt::format("Kafka at {} answers{}", redacted_url(spec.servers),
                             spec.user.empty() ? "" : fmt::format(", user {} is signed in", spec.user)),
                 {}});
  if (!spec.user.empty() && spec.mechanism == "plain" && !spec.tls)
    out.push_back({Severity::kWarning, "the password crosses the network as it is (SASL PLAIN without TLS)",
                   "use TLS (tls: {enabled: true}), or sasl_mechanism: scram-sha-512"});
  if (missing) {
    out.push_back({Severity::kWarning, figures.error().message,
                   min_replicas > 0 ? "nothing needs to be done where the workers or the producer make it"
                                    : "at min_replicas 0 docktor waits for it: let the producer make it"});
    return out;
  }
  check_offsets(out, spec, *figures, min_replicas == 0);
  const auto partitions = static_cast<int>(figures->partitions.size());
  if (max_replicas > partitions)
    out.push_back(
        {Severity::kWarning,
         fmt::format(
             "max_replicas is {}, and more than {} replicas are of no use: the topic{} {} partition{}",
             max_replicas, partitions, spec.topics.size() == 1 ? " has" : "s have", partitions,
             partitions == 1 ? "" : "s"),
         "give the topic more partitions; until then docktor adds none beyond that"});
  return out;
}

Finding compacted_topic(const std::string& topic) {
  return {
      Severity::kWarning,
      fmt::format(
          "topic {} is compacted (cleanup.policy): records that were compacted away count in the backlog "
          "until "
          "the group has read past them, so that after a pause more replicas may be started than there is "
          "work for",
          topic),
      "nothing needs to be done where the workers keep up; a topic of jobs is best kept with "
      "cleanup.policy=delete"};
}

}  // namespace docktor
