// What a framework leaves of itself in Redis besides its jobs: which version, how many queues and workers; and, where the
// queue that was asked for is not there, what is there in its place.
#pragma once

#include <string>
#include <vector>

#include "queues/redis/layout.h"

namespace docktor {

/// "Sidekiq 6: 3 queues, 12 processes"; empty where nothing of the kind is told, or this user may not look.
std::string framework_mark(const RedisSpec& spec, const Layout::Ask& ask);

/// Other queues of the same framework (or lists of that name) and where they lie.
struct OtherQueues {
  std::string
      what;  ///< "queues celery and mail with key_prefix \"app:\""; empty: none, or this user may not look
  std::string cure;  ///< "write key_prefix: \"app:\""
};
/// Looks through the names of at most some 100,000 keys.
OtherQueues other_queues(const RedisSpec& spec, const Layout::Ask& ask);

}  // namespace docktor
