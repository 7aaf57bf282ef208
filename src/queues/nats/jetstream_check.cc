#include "queues/nats/jetstream_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/text.h"
#include "queues/nats/jetstream_source.h"
#include "queues/nats/subjects.h"

namespace docktor {
namespace {

// Fewer than this in hand, all workers together, and more workers soon have nothing to hold.
constexpr std::int64_t kFewInHand = 20;

Finding ok(std::string what) { return {Severity::kOk, std::move(what), {}}; }
Finding warning(std::string what, std::string cure) {
  return {Severity::kWarning, std::move(what), std::move(cure)};
}
Finding error(std::string what, std::string cure) {
  return {Severity::kError, std::move(what), std::move(cure)};
}

std::string listed(const std::vector<std::string>& subjects) {
  return fmt::format("{}", fmt::join(subjects, ", "));
}

bool overlaps_any(const std::vector<std::string>& patterns, const std::string& subject) {
  return std::ranges::any_of(patterns, [&](const auto& p) { return intersection(p, subject).has_value(); });
}
bool covered_by_any(const std::vector<std::string>& patterns, const std::string& subject) {
  return std::ranges::any_of(patterns, [&](const auto& p) { return covers(p, subject); });
}

void check_subject(const StreamInfo& stream, const ConsumerInfo& consumer, const ConsumerExpectations& e,
                   std::vector<Finding>& out) {
  const auto& subject = e.subject;
  if (subject.empty()) return;
  if (!is_subject(subject)) {
    out.push_back(error(fmt::format("subject {:?} is no subject", subject),
                        "tokens are separated by dots and are not empty; * is one token, > the rest"));
    return;
  }
  // A mirror or a stream with sources also has messages that others took in.
  const bool fed = stream.mirror || !stream.sources.empty();
  if (!fed && !overlaps_any(stream.subjects, subject)) {
    out.push_back(error(
        fmt::format("subject {} is not one of stream {} ({}): what is published to it is not stored", subject,
                    e.stream, listed(stream.subjects)),
        "correct queue.subject, or add it to the stream: nats stream edit " + e.stream + " --subjects=..."));
    return;
  }
  if (!consumer.filters.empty() && !overlaps_any(consumer.filters, subject)) {
    out.push_back(error(fmt::format("consumer {} takes only {}: nothing published to {} reaches it",
                                    e.consumer, listed(consumer.filters), subject),
                        "correct queue.subject, or the consumer's filter"));
    return;
  }
  if (!consumer.filters.empty() && !covered_by_any(consumer.filters, subject)) {
    out.push_back(warning(
        fmt::format("consumer {} takes only a part of {}: {}", e.consumer, subject, listed(consumer.filters)),
        "docktor counts what the consumer takes; write its filter as the queue's subject"));
    return;
  }
  const bool everything =
      consumer.filters.empty() && !fed &&
      !std::ranges::all_of(stream.subjects, [&](const auto& s) { return covers(subject, s); });
  if (everything) {
    out.push_back(
        warning(fmt::format("consumer {} has no filter: it takes all of stream {} ({}), not only {}",
                            e.consumer, e.stream, listed(stream.subjects), subject),
                "give the consumer a filter, or write the stream's subjects as the queue's subject"));
    return;
  }
  out.push_back(ok(fmt::format("consumer {} takes {}", e.consumer, subject)));
}

}  // namespace

std::vector<Finding> check_consumer(const StreamInfo& stream, const ConsumerInfo& c,
                                    const ConsumerExpectations& e) {
  std::vector<Finding> out;
  const auto& name = e.consumer;
  if (c.deliver_subject.empty()) {
    out.push_back(ok(fmt::format("consumer {} exists: a pull consumer, {} waiting, {} being processed", name,
                                 c.num_pending, c.num_ack_pending)));
  } else if (c.deliver_group.empty()) {
    out.push_back(warning(
        fmt::format(
            "consumer {} is a push consumer without a deliver group: each worker gets every message, so "
            "more workers do not share the work",
            name),
        "use a pull consumer: nats consumer add " + e.stream + " " + name + " --pull --ack=explicit"));
  } else {
    out.push_back(warning(
        fmt::format(
            "consumer {} is a push consumer: the server hands out messages without being asked, so a new "
            "worker gets none of those already handed out",
            name),
        "a pull consumer shares the work better"));
  }
  if (c.ack_policy == "none") {
    out.push_back(warning(
        fmt::format(
            "consumer {} has ack policy none: messages in hand and rate_out by finished work are unknown, "
            "and a worker that stops loses what it holds",
            name),
        "use ack policy explicit"));
  } else if (c.ack_policy == "all") {
    out.push_back(warning(
        fmt::format(
            "consumer {} has ack policy all: one worker's acknowledgement settles what others still hold",
            name),
        "use ack policy explicit"));
  }
  check_subject(stream, c, e, out);
  if (e.may_reach_zero) {
    if (const auto why = why_unfit_for_zero(c, name); !why.empty()) {
      out.push_back(error("min_replicas is 0, but " + why,
                          "make the consumer durable without inactive_threshold, or set min_replicas: 1"));
    } else {
      out.push_back(ok(fmt::format("consumer {} is fit for zero replicas", name)));
    }
  }
  if (c.ack_policy != "none" && c.max_ack_pending > 0 && c.max_ack_pending < kFewInHand) {
    out.push_back(warning(
        fmt::format(
            "consumer {} lets all workers together hold only {} messages (max_ack_pending): more workers "
            "than that have nothing to do",
            name, c.max_ack_pending),
        fmt::format("nats consumer edit {} {} --max-pending=1000", e.stream, name)));
  }
  if (c.max_deliver == 1) {
    out.push_back(warning(fmt::format("consumer {} delivers each message once (max_deliver 1): what a worker "
                                      "holds when it dies is lost",
                                      name),
                          "raise max_deliver"));
  } else if (c.max_deliver > 1) {
    out.push_back(ok(fmt::format("consumer {} gives a message up after {} deliveries (counted as queue.dead)",
                                 name, c.max_deliver)));
  }
  if (c.paused) {
    out.push_back(warning(fmt::format("consumer {} is paused: workers get nothing", name),
                          fmt::format("nats consumer resume {} {}", e.stream, name)));
  }
  return out;
}

}  // namespace docktor
