// What `config validate` says of a group on its topics.
#pragma once

#include <string>
#include <vector>

#include "core/finding.h"
#include "core/result.h"
#include "queues/kafka/figures.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

std::vector<Finding> check_kafka_group(const KafkaSpec& spec, const Result<GroupFigures>& figures,
                                       int min_replicas, int max_replicas);

/// That the topic's backlog may be told too large.
Finding compacted_topic(const std::string& topic);

}  // namespace docktor
