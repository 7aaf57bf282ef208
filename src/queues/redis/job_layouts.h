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
};
inline constexpr FrameworkInfo kFrameworks[] = {
    {"celery", "Celery", "", "celery", 3600, celery_layout},  // visibility_timeout
    {"rq", "RQ", "", "default", 60, rq_layout},
    {"sidekiq", "Sidekiq", "", "default", 60, sidekiq_layout},  // a process's key ends after a minute
    {"bullmq", "BullMQ", "bull", "", 30, bullmq_layout},        // stalledInterval
    {"laravel", "Laravel", "", "default", 90, laravel_layout},  // retry_after
};
const FrameworkInfo* framework_named(std::string_view name);

}  // namespace docktor
