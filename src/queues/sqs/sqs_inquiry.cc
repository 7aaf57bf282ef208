#include "queues/sqs/sqs_inquiry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace docktor {

namespace {

// Samples come a little earlier or later than their interval.
constexpr double kSlack = 0.9;
// After a failure, however rare requests are to be: one lost packet is no reason to know nothing for an hour.
constexpr Duration kRetry = std::chrono::seconds(10);

}  // namespace

SqsInquiry::SqsInquiry(SqsSpec spec, std::function<std::string()> who)
    : spec_(std::move(spec)),
      who_(std::move(who)),
      last_(fail(ErrorCode::kUnavailable, "SQS was not asked yet", true)) {}

Result<Inquiry::Step> SqsInquiry::begin(const Instant& now) {
  const auto wait = last_ ? spec_.poll_interval : std::min(spec_.poll_interval, kRetry);
  const auto pace = std::chrono::duration_cast<Duration>(kSlack * wait);
  if (asked_ && now.steady - *asked_ < pace) {
    if (!last_) return tl::unexpected(last_.error());
    return *last_;
  }
  asked_ = now.steady;
  Requests out{attributes_request(spec_.queue_url)};
  asks_dead_ = !dead_url_.empty() && (!dead_asked_ || now.steady - *dead_asked_ >= kDeadInterval);
  if (asks_dead_) {
    dead_asked_ = now.steady;
    out.push_back(attributes_request(dead_url_));
  }
  return out;
}

Error SqsInquiry::worded(Error e) const {
  if (e.code == ErrorCode::kNotFound)
    e.message = fmt::format("queue {} is not there yet ({})", spec_.name(), spec_.queue_url);
  else
    e.message = fmt::format("SQS {} (queue {}{})", e.message, spec_.name(),
                            e.code == ErrorCode::kDenied ? ", credentials of " + who_() : "");
  return e;
}

Result<QueueSample> SqsInquiry::sample_of(const Asker::Answers& answers) {
  const auto a = parse_attributes(answers.at(0));
  if (!a) return worded(a.error());
  dead_url_ = url_of_arn(a->dead_letter_queue, spec_.url.base);
  if (dead_url_.empty()) dead_.reset();
  if (asks_dead_ && answers.size() > 1) {
    // A queue of its own, which docktor may not be allowed to ask: then nothing is told of it.
    const auto dead = parse_attributes(answers[1]);
    dead_ = dead ? std::optional(dead->visible + dead->not_visible) : std::nullopt;
  }
  QueueSample q;
  q.num_pending = a->visible;
  q.num_ack_pending = a->not_visible;
  q.scheduled = a->delayed;
  q.dead = dead_;
  q.redelivered_after = std::max<Duration>(a->visibility_timeout, std::chrono::seconds(1));
  q.step = spec_.poll_interval;
  q.totals.incarnation = a->created;
  if (spec_.fifo && spec_.message_groups > 0)
    q.useful = UsefulReplicas{spec_.message_groups, fmt::format("{} message groups", spec_.message_groups)};
  return q;
}

Result<Inquiry::Step> SqsInquiry::next(const Asker::Answers& answers, const Instant&) {
  last_ = sample_of(answers);
  if (!last_) return tl::unexpected(last_.error());
  return *last_;
}

std::string SqsInquiry::watch_gap() const {
  return fmt::format("SQS tells nobody of new messages: it is asked every {}, {} requests a day",
                     short_duration(spec_.poll_interval), spec_.requests_a_day(!dead_url_.empty()));
}

std::vector<Finding> SqsInquiry::look(const Ask& ask) {
  std::vector<Finding> out;
  const auto answers = ask({attributes_request(spec_.queue_url)});
  if (!answers) return {{Severity::kError, answers.error().message, {}}};
  const auto a = parse_attributes(answers->front());
  if (!a && a.error().code == ErrorCode::kNotFound)
    return {{Severity::kOk, fmt::format("SQS at {} answers", spec_.url.base), {}},
            {Severity::kWarning, worded(a.error()).message,
             "nothing needs to be done where the workers make it; else correct queue.url"}};
  if (!a)
    return {{Severity::kError, worded(a.error()).message,
             a.error().code == ErrorCode::kDenied
                 ? "docktor needs the right sqs:GetQueueAttributes on the queue"
                 : ""}};
  out.push_back(
      {Severity::kOk, fmt::format("SQS at {} answers, region {}", spec_.url.base, spec_.region), {}});
  out.push_back(
      {Severity::kOk,
       fmt::format("queue {} is there: {} messages ready, {} in hand, {} delayed, visibility timeout {}",
                   spec_.name(), a->visible, a->not_visible, a->delayed,
                   short_duration(a->visibility_timeout)),
       {}});
  if (a->dead_letter_queue.empty()) {
    out.push_back({Severity::kWarning,
                   "the queue has no dead-letter queue: a message that always fails comes again for ever",
                   "set a RedrivePolicy"});
  } else {
    const auto url = url_of_arn(a->dead_letter_queue, spec_.url.base);
    const auto dead_answers =
        url.empty() ? Result<Asker::Answers>(Asker::Answers{}) : ask({attributes_request(url)});
    const auto dead = dead_answers && !dead_answers->empty()
                          ? parse_attributes(dead_answers->front())
                          : Result<QueueAttributes>(fail(ErrorCode::kUnavailable, ""));
    const auto after = a->max_receives ? fmt::format(" after {} receives", *a->max_receives) : std::string();
    if (dead)
      out.push_back(
          {Severity::kOk,
           fmt::format("dead-letter queue{}: {} ({} messages)", after, a->dead_letter_queue, dead->visible),
           {}});
    else
      out.push_back({Severity::kWarning,
                     fmt::format("dead-letter queue{}: {}, which docktor may not ask: queue.dead is not told",
                                 after, a->dead_letter_queue),
                     "allow sqs:GetQueueAttributes on it"});
  }
  if (spec_.fifo && spec_.message_groups == 0)
    out.push_back({Severity::kWarning,
                   "a FIFO queue gives out one batch of a message group at a time, and SQS does not tell how "
                   "many groups there are",
                   "write message_groups, or a max_replicas that is no larger"});
  out.push_back(
      {Severity::kWarning,
       fmt::format("counts are approximate, and may be a minute behind; asked every {}: {} requests a day",
                   short_duration(spec_.poll_interval), spec_.requests_a_day(!a->dead_letter_queue.empty())),
       "nothing needs to be done; poll_interval sets what it costs"});
  return out;
}

}  // namespace docktor
