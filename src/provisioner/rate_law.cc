#include "provisioner/rate_law.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace docktor {
namespace {

// A rate over less time than this says little: the first message of a burst would be a thousand a second.
constexpr Duration kLeastSpan = std::chrono::milliseconds(200);
constexpr std::size_t kMaxCounts = 4096;

}  // namespace

void RateLawRunner::observe(Time now, const ReplicaCounts& instances, const QueueSample& queue) {
  queue_ = queue;
  if (instances.current > 0 || queue.in_hand() == 0)
    in_hand_since_.reset();
  else if (!in_hand_since_)
    in_hand_since_ = now;
}

void RateLawRunner::received(Time last, std::uint64_t messages) {
  if (messages == 0) return;
  if (!last_receive_ || last - *last_receive_ > law_.step) burst_since_ = last;  // after a quiet time
  last_receive_ = last_receive_ ? std::max(*last_receive_, last) : last;
  counts_.emplace_back(*last_receive_, messages);
  while (!counts_.empty() &&
         (counts_.front().first <= *last_receive_ - law_.window || counts_.size() > kMaxCounts))
    counts_.pop_front();
}

double RateLawRunner::rate() const {
  if (!last_receive_) return 0;
  std::uint64_t sum = 0;
  for (const auto& [at, n] : counts_) sum += n;
  const Duration span = std::clamp<Duration>(*last_receive_ - *burst_since_, kLeastSpan,
                                             std::max<Duration>(law_.window, kLeastSpan));
  return static_cast<double>(sum) / to_seconds(span);
}

bool RateLawRunner::burst_is_young(Time now) const {
  return burst_since_ && now - *last_receive_ <= law_.step && now - *burst_since_ < law_.window;
}

// As the daemon's limits see it: pending messages, messages in hand while somebody works, or messages that a
// worker died with and that outlived the ack wait.
std::string RateLawRunner::work_left(Time now, int current) const {
  if (!queue_) return {};
  const QueueSample& q = *queue_;
  if (q.num_pending > 0)
    return fmt::format("{} message{} pending", q.num_pending, q.num_pending == 1 ? "" : "s");
  const bool overdue = in_hand_since_ && now - *in_hand_since_ >= q.redelivered_after;
  if (q.in_hand() == 0 || (current == 0 && !overdue)) return {};
  return fmt::format("{} message{} in hand", q.in_hand(), q.in_hand() == 1 ? "" : "s");
}

Ruling RateLawRunner::decide(Time now, const ReplicaCounts& instances, const Overrides& overrides,
                             bool fresh) {
  const int current = instances.current;
  const double per_second = rate();
  const std::optional<Duration> quiet = last_receive_ ? std::optional(now - *last_receive_) : std::nullopt;
  const auto asked = ask_(quiet, current, per_second);
  if (!asked) return {current, "num_instances() threw an exception: nothing is changed"};

  const int wanted = std::clamp(*asked, 0, law_.max_instances);
  std::string reason =
      quiet ? fmt::format("{:.0f} messages/s, the last one {} ago", per_second, short_duration(*quiet))
            : std::string("no message yet");
  if (wanted != *asked) reason += fmt::format("; {} wanted, bounds 0 to {}", *asked, law_.max_instances);
  if (wanted >= current && wanted > 0) return {wanted, std::move(reason)};

  // Fewer, or none: that needs proof that there is nothing to do.
  if (wanted < current && !fresh) return {current, "the queue does not answer: nothing is stopped"};
  if (wanted < current && burst_is_young(now))
    return {current,
            fmt::format("a burst began {} ago: nothing is stopped yet", short_duration(now - *burst_since_))};
  if (wanted > 0) return {wanted, std::move(reason)};
  if (const std::string work = work_left(now, current); !work.empty()) return {1, work};
  if (!overrides.unfit_for_zero.empty()) return {std::min(1, current), overrides.unfit_for_zero};
  return {0, std::move(reason)};
}

}  // namespace docktor
