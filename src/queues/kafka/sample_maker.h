// From a group's offsets to a sample: lag, totals, resets, the bound by partitions, what a rebalance costs.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/sample.h"
#include "queues/kafka/figures.h"
#include "queues/kafka/kafka_spec.h"

namespace docktor {

/// Not thread-safe; no clock and no I/O. Figures come in the order in which they were read.
class SampleMaker {
 public:
  explicit SampleMaker(const KafkaSpec& spec) : spec_(spec) {}

  /// kUnavailable where the commits point behind the end of a partition: no figure makes sense then.
  Result<QueueSample> make(SteadyTime now, const GroupFigures& figures);

  /// Why the group must not be left without workers; empty: it may.
  const std::string& unfit_for_zero() const { return unfit_; }

 private:
  struct Last {
    std::int64_t begin, end;
    std::optional<std::int64_t> committed;
  };

  void count(const GroupFigures& figures);
  void judge_zero(const GroupFigures& figures);
  void learn_step(SteadyTime now, std::uint64_t lag);
  void watch_members(SteadyTime now, const std::optional<GroupMembers>& members, QueueSample& into);

  const KafkaSpec spec_;
  std::map<Partition, Last> last_;
  std::uint64_t incarnation_ = 1, arrived_ = 0, settled_ = 0;
  bool has_markers_ = false;
  std::string unfit_;

  std::uint64_t settled_before_ = 0;
  std::optional<SteadyTime> moved_;              // when commits moved last, while there was work
  std::deque<Duration> gaps_;                    // between these, newest last
  std::optional<SteadyTime> rebalancing_since_;  // the first look that saw it
};

}  // namespace docktor
