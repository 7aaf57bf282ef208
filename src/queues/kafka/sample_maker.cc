#include "queues/kafka/sample_maker.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace docktor {

namespace {

// A client may commit a record as soon as it has handed it out, up to a commit interval before the work is done.
constexpr Duration kMayBeInHand = std::chrono::seconds(5);
constexpr Duration kLeastStep = std::chrono::milliseconds(1500);  // commits that come faster need no steps
constexpr Duration kMostStep = std::chrono::seconds(5);           // auto.commit.interval.ms
constexpr std::size_t kGaps = 4;
constexpr Duration kMostRebalance = std::chrono::seconds(60);  // one that goes on for longer holds nobody up

std::uint64_t growth(std::int64_t before, std::int64_t after) {
  return after > before ? static_cast<std::uint64_t>(after - before) : 0;
}

std::uint64_t lag_of(const PartitionFigures& p, bool earliest) {
  if (p.committed) return growth(std::max(*p.committed, p.begin), p.end);
  return earliest ? growth(p.begin, p.end) : 0;
}

std::string bound_text(const GroupFigures& figures) {
  const auto n = figures.partitions.size();
  return fmt::format("{} partition{}", n, n == 1 ? "" : "s");
}

}  // namespace

// A reset begins both totals anew: whatever made an offset go back, nobody knows what flowed meanwhile.
void SampleMaker::count(const GroupFigures& figures) {
  bool reset = figures.partitions.size() < last_.size();
  std::uint64_t arrived = 0, settled = 0;
  for (const auto& p : figures.partitions) {
    const auto it = last_.find(p.id);
    if (it == last_.end()) continue;  // a partition that appears is no arrival
    const Last& before = it->second;
    reset |= p.end < before.end || p.begin < before.begin;
    reset |= before.committed && (!p.committed || *p.committed < *before.committed);
    arrived += growth(before.end, p.end);
    if (!p.committed) continue;
    // The first commit tells of all that was read since the workers began, wherever that was.
    const auto from = before.committed ? *before.committed : spec_.earliest ? before.begin : before.end;
    settled += growth(from, *p.committed);
  }
  if (reset) {
    ++incarnation_;
    arrived_ = settled_ = settled_before_ = 0;
    moved_.reset();
  } else {
    arrived_ += arrived;
    settled_ += settled;
  }
}

void SampleMaker::judge_zero(const GroupFigures& figures) {
  unfit_.clear();
  if (spec_.earliest) return;
  const auto bare = std::ranges::find_if(figures.partitions, [](const auto& p) { return !p.committed; });
  if (bare == figures.partitions.end()) return;
  unfit_ = fmt::format(
      "group {} has no commit in partition {} of topic {}: without a worker, what comes there would be "
      "skipped "
      "(offset_reset is latest)",
      spec_.group, bare->id.number, bare->id.topic);
}

// Workers that commit every 5 s make totals that move every 5 s.
void SampleMaker::learn_step(SteadyTime now, std::uint64_t lag) {
  const bool moved = settled_ != settled_before_;
  settled_before_ = settled_;
  if (moved) {
    if (moved_) gaps_.push_back(now - *moved_);
    if (gaps_.size() > kGaps) gaps_.pop_front();
    moved_ = now;
  }
  if (lag == 0) moved_.reset();  // they wait for records, not for the next commit
}

void SampleMaker::watch_members(SteadyTime now, const std::optional<GroupMembers>& members,
                                QueueSample& into) {
  if (members) into.consumers = static_cast<std::uint64_t>(members->count);
  into.rebalancing = members && members->rebalancing;
  if (!members || !members->rebalancing)
    rebalancing_since_.reset();
  else if (!rebalancing_since_)
    rebalancing_since_ = members->at;
  if (rebalancing_since_ && now - *rebalancing_since_ < kMostRebalance)
    into.paused = fmt::format("group {} is rebalancing: its members read nothing meanwhile", spec_.group);
}

Result<QueueSample> SampleMaker::make(SteadyTime now, const GroupFigures& figures) {
  const PartitionFigures* beyond = nullptr;
  for (const auto& p : figures.partitions) {
    const auto it = last_.find(p.id);
    // A commit that was there before the end was read, and still is, cannot be ahead of it.
    if (it != last_.end() && it->second.committed && *it->second.committed > p.end && p.committed &&
        *p.committed > p.end)
      beyond = &p;
  }
  count(figures);
  last_.clear();
  for (const auto& p : figures.partitions) last_[p.id] = {p.begin, p.end, p.committed};
  judge_zero(figures);
  if (beyond) {
    auto text = fmt::format(
        "group {} has its commit at {} in partition {} of topic {}, which ends at {}: the topic lost records "
        "or was made "
        "anew (a worker that starts begins again by its auto.offset.reset){}",
        spec_.group, *beyond->committed, beyond->id.number, beyond->id.topic, beyond->end,
        spec_.read_uncommitted
            ? ""
            : ", or the workers read uncommitted records: then write isolation: read_uncommitted");
    unfit_ = text;
    return fail(ErrorCode::kUnavailable, std::move(text), true);
  }

  QueueSample out;
  out.num_ack_pending.reset();
  std::uint64_t lag = 0, ends = 0;
  for (const auto& p : figures.partitions) {
    const auto l = lag_of(p, spec_.earliest);
    lag += l;
    ends += static_cast<std::uint64_t>(std::max<std::int64_t>(p.end, 0));
    if (p.residue)
      has_markers_ = true;
    else
      out.num_pending += l;
  }
  learn_step(now, lag);
  out.last_seq = ends;
  out.delivered_stream_seq = ends - std::min(ends, lag);
  out.totals = {.incarnation = std::to_string(incarnation_),
                .arrived = arrived_,
                .delivered = {},
                .settled = settled_,
                .upper_bound = has_markers_};
  out.useful = UsefulReplicas{std::max(1, static_cast<int>(figures.partitions.size())), bound_text(figures)};
  out.redelivered_after = kMayBeInHand;
  if (gaps_.size() == kGaps) {
    const auto least = *std::ranges::min_element(gaps_);
    if (least >= kLeastStep) out.step = std::min(least, kMostStep);
  }
  watch_members(now, figures.members, out);
  return out;
}

}  // namespace docktor
