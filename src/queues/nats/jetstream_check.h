// What `config validate` finds out about a service's queue.
#pragma once

#include <string>
#include <vector>

#include "core/finding.h"
#include "queues/nats/jetstream_api.h"

namespace docktor {

/// What the configuration says about the consumer, to be compared with what is there.
struct ConsumerExpectations {
  std::string stream;
  std::string consumer;
  std::string subject;
  bool may_reach_zero = false;
};

/// Findings on a stream and a consumer that exist. Pure.
std::vector<Finding> check_consumer(const StreamInfo& stream, const ConsumerInfo& consumer,
                                    const ConsumerExpectations& expected);

}  // namespace docktor
