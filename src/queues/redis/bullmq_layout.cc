// BullMQ: a list, sorted sets and a counter per queue; an event stream that tells of every new job.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "queues/redis/job_base.h"
#include "queues/redis/job_layouts.h"

namespace docktor {

namespace {

class BullMqLayout final : public JobLayout {
 public:
  using JobLayout::JobLayout;

  std::vector<Wake> wakes() const override {
    std::vector<Wake> out;
    for (const auto& q : spec_.queues) out.push_back({part(q, "events"), "$"});
    return out;
  }

  Result<Step> next(const RedisAnswer& answer) override {
    auto step = JobLayout::next(answer);
    if (step)
      std::get<QueueSample>(*step).totals.incarnation = fmt::format("{} {}", answer.server->run_id, windows_);
    return step;
  }

  std::vector<Finding> look(const Ask& ask) override {
    Commands marks;
    for (const auto& q : spec_.queues) marks.push_back({"EXISTS", part(q, "meta")});
    return look_with(ask, "BullMQ", marks, part(spec_.queues.front(), "meta"));
  }

 private:
  std::string part(const std::string& queue, std::string_view name) const {
    return fmt::format("{}:{}:{}", spec_.key_prefix, queue, name);
  }

  Commands first() override {
    // A score is the due time in milliseconds × 4096, and a counter.
    const auto due = fmt::format("{:.0f}", (std::floor(unix_seconds() * 1000) + 1) * 4096);
    Commands out;
    for (const auto& q : spec_.queues) {
      out.push_back({"LLEN", part(q, "wait")});
      out.push_back({"LLEN", part(q, "paused")});
      out.push_back({"ZCARD", part(q, "prioritized")});
      out.push_back({"ZCOUNT", part(q, "delayed"), "-inf", due});
      out.push_back({"ZCARD", part(q, "delayed")});
      out.push_back({"ZCARD", part(q, "waiting-children")});
      out.push_back({"LLEN", part(q, "active")});
      out.push_back({"ZCARD", part(q, "failed")});
      out.push_back({"HGET", part(q, "meta"), "paused"});
      out.push_back({"GET", part(q, "id")});
    }
    return out;
  }

  void take(Counts& counts) override {
    std::uint64_t later = 0, in_hand = 0, dead = 0, added = 0;
    std::vector<std::string> paused;
    for (const auto& q : spec_.queues) {
      auto waiting = counts.take();
      waiting += counts.take();
      waiting += counts.take();
      const auto due = counts.take();
      const auto delayed = counts.take();
      later += delayed - std::min(due, delayed);
      later += counts.take();
      in_hand += counts.take();
      dead += counts.take();
      const auto* is_paused = counts.reply();
      if (is_paused && !is_paused->is_nil())
        paused.push_back(q);
      else
        sample_.num_pending += waiting + due;
      const auto* id = counts.reply();
      if (id) added += id->count().value_or(0);  // nil: nothing was ever added
    }
    if (counts.error()) return;
    sample_.num_ack_pending = in_hand;
    sample_.scheduled = later;
    sample_.dead = dead;
    if (paused.size() == spec_.queues.size())
      sample_.paused = fmt::format("queue {} is paused in BullMQ", spec_.what());
    // A job that waits for its time has come when that is over. One that fails and waits again has been added before:
    // the total stands still until it is made up for.
    if (added < added_ || paused != paused_) {
      ++windows_;
      arrived_ = 0;
    }
    added_ = added;
    paused_ = std::move(paused);
    arrived_ = std::max(arrived_, added - std::min(added, later));
    sample_.totals.arrived = arrived_;
  }

  std::uint64_t added_ = 0, arrived_ = 0;
  std::vector<std::string> paused_;
  int windows_ = 0;
};

}  // namespace

std::unique_ptr<Layout> bullmq_layout(const RedisSpec& spec) { return std::make_unique<BullMqLayout>(spec); }

}  // namespace docktor
