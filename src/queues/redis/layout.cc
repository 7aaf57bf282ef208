#include "queues/redis/layout.h"

#include <fmt/format.h>

#include "queues/redis/job_layouts.h"
#include "queues/redis/stream_layout.h"

namespace docktor {

const Reply* Counts::reply() {
  if (error_) return nullptr;
  if (at_ >= answer_.replies.size() || at_ >= sent_.size()) {
    error_ = Error{ErrorCode::kInternal, "the server gave fewer answers than were asked for", true};
    return nullptr;
  }
  const auto& reply = answer_.replies[at_];
  const auto& command = sent_[at_++];
  if (reply.is_error()) {
    error_ = redis_error(answer_.server->place, reply, command);
    return nullptr;
  }
  return &reply;
}

const Reply* Counts::reply_if_allowed() {
  if (!error_ && at_ < answer_.replies.size() && answer_.replies[at_].is_error("NOPERM")) {
    ++at_;
    return nullptr;
  }
  return reply();
}

std::uint64_t Counts::take() {
  const auto* r = reply();
  if (!r) return 0;
  if (const auto n = r->count()) return *n;
  error_ =
      Error{ErrorCode::kInternal,
            fmt::format("{}: the answer to {} is no count", answer_.server->place, sent_[at_ - 1]), true};
  return 0;
}

std::unique_ptr<Layout> make_layout(const RedisSpec& spec) {
  if (const auto* framework = framework_named(spec.framework)) return framework->make(spec);
  if (!spec.list.empty()) return list_layout(spec);
  return std::make_unique<StreamLayout>(spec);
}

}  // namespace docktor
