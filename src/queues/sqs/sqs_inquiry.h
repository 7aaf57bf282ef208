// Reads a queue of SQS, no more often than it may cost.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queues/over_http/asked_source.h"
#include "queues/sqs/queue_attributes.h"
#include "queues/sqs/sqs_spec.h"

namespace docktor {

class SqsInquiry final : public Inquiry {
 public:
  /// `who` says where the credentials of the last request came from.
  SqsInquiry(SqsSpec spec, std::function<std::string()> who);

  Result<Step> begin(const Instant& now) override;
  Result<Step> next(const Asker::Answers& answers, const Instant& now) override;
  void failed(const Error& e) override { last_ = tl::unexpected(e); }
  std::string watch_gap() const override;
  std::vector<Finding> look(const Ask& ask) override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  Result<QueueSample> sample_of(const Asker::Answers& answers);
  Error worded(Error e) const;

  const SqsSpec spec_;
  const std::function<std::string()> who_;
  std::optional<SteadyTime> asked_, dead_asked_;
  Result<QueueSample> last_;  // counts until the next request is due
  std::string dead_url_;
  bool asks_dead_ = false;  // in the round under way
  std::optional<std::uint64_t> dead_;
};

}  // namespace docktor
