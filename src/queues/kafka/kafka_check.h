// What `config validate` says of a group on its topics.
#pragma once

#include <vector>

#include "core/finding.h"
#include "core/result.h"
#include "queues/kafka/figures.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

std::vector<Finding> check_kafka_group(const KafkaSpec& spec, const Result<GroupFigures>& figures,
                                       int min_replicas, int max_replicas);

}  // namespace docktor
