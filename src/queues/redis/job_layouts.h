// Job queues that lie in lists and sorted sets: a list of the user's own, and the keys of each framework.
#pragma once

#include <memory>

#include "queues/redis/layout.h"

namespace docktor {

/// LLEN, SCARD, ZCARD, HLEN or XLEN, by what the key is.
std::unique_ptr<Layout> list_layout(const RedisSpec& spec);

std::unique_ptr<Layout> celery_layout(const RedisSpec& spec);
std::unique_ptr<Layout> rq_layout(const RedisSpec& spec);
std::unique_ptr<Layout> sidekiq_layout(const RedisSpec& spec);
std::unique_ptr<Layout> bullmq_layout(const RedisSpec& spec);
std::unique_ptr<Layout> laravel_layout(const RedisSpec& spec);

/// What a framework's keys mean, for the table of keys: its name, and what stands before its keys by itself.
struct FrameworkInfo {
  const char* name;
  const char* shown;        ///< "Celery"
  const char* prefix;       ///< where key_prefix is not written
  const char* standard;     ///< the queue that is meant where none is written; empty: one has to be
  int redelivered_seconds;  ///< where claim_after is not written
  std::unique_ptr<Layout> (*make)(const RedisSpec&);
  bool slot_a_queue;  ///< in a cluster it needs one slot for each queue; false: one for all of its keys
  const char* tag;    ///< how they come to lie in one
};
inline constexpr FrameworkInfo kFrameworks[] = {
    {"celery", "Celery", "", "celery", 3600, celery_layout, false,  // visibility_timeout
     "write a hash tag into Celery's global_keyprefix and into key_prefix: \"{celery}:\""},
    {"rq", "RQ", "", "default", 60, rq_layout, false,
     "use a Redis that is no cluster: RQ's keys have no prefix"},
    {"sidekiq", "Sidekiq", "", "default", 60, sidekiq_layout, false,  // a process's key ends after a minute
     "use a Redis that is no cluster, or a namespace that is a hash tag, with its colon in key_prefix: "
     "\"{app}:\""},
    {"bullmq", "BullMQ", "bull", "", 30, bullmq_layout, true,  // stalledInterval
     "write a hash tag into the prefix of BullMQ's queues and workers and into key_prefix: \"{bull}\""},
    {"laravel", "Laravel", "", "default", 90, laravel_layout, true,  // retry_after
     "name the queue as a hash tag, in Laravel and here: \"{default}\""},
};
const FrameworkInfo* framework_named(std::string_view name);

}  // namespace docktor
