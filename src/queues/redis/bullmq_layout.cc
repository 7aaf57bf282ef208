// BullMQ: a list, sorted sets and a counter per queue; an event stream that tells of every new job.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "queues/redis/job_base.h"
#include "queues/redis/job_layouts.h"

namespace docktor {

namespace {

// The counter of jobs grows with an add that is dropped, too, since another job has its id. An event tells of that one, so that
// the latest are looked at where the counter has moved; a while after the last one the counter is believed again.
constexpr const char* kLatestEvents = "5";
constexpr auto kDropsStay = std::chrono::hours(1);

bool tells_of_a_drop(const Reply& events) {
  static constexpr std::array<std::string_view, 3> kDrops = {"duplicated", "deduplicated", "debounced"};
  return std::ranges::any_of(events.items, [](const Reply& entry) {
    return entry.items.size() == 2 &&
           std::ranges::find(kDrops, entry.items[1].text_of("event")) != kDrops.end();
  });
}

class BullMqLayout final : public JobLayout {
 public:
  explicit BullMqLayout(const RedisSpec& spec) : JobLayout(spec), counters_(spec.queues.size()) {}

  std::vector<Wake> wakes() const override {
    std::vector<Wake> out;
    for (const auto& q : spec_.queues) out.push_back({part(q, "events"), "$"});
    return out;
  }

  Result<Step> next(const RedisAnswer& answer) override {
    auto step = JobLayout::next(answer);
    if (step && sample_told_)
      std::get<QueueSample>(*step).totals.incarnation = fmt::format("{} {}", answer.server->run_id, windows_);
    return step;
  }

  std::string note() const override {
    return sample_told_ ? std::string()
                        : "BullMQ drops jobs as they are added, since others have their ids, and counts them "
                          "all the same: how many come is not told";
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
    for (std::size_t i = 0; i < spec_.queues.size(); ++i) {
      const auto& q = spec_.queues[i];
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
      if (counters_[i].moved)
        out.push_back({"XREVRANGE", part(q, "events"), "+", "-", "COUNT", kLatestEvents});
    }
    return out;
  }

  void take(Counts& counts) override {
    std::uint64_t later = 0, in_hand = 0, dead = 0, added = 0;
    std::vector<std::string> paused;
    for (std::size_t i = 0; i < spec_.queues.size(); ++i) {
      const auto& q = spec_.queues[i];
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
      auto& counter = counters_[i];
      const auto* events = counter.moved ? counts.reply_if_allowed() : nullptr;
      if (events && tells_of_a_drop(*events)) dropped_ = now_;
      const auto count = id ? id->count().value_or(0) : 0;  // nil: nothing was ever added
      counter.moved = count != counter.value;
      counter.value = count;
      added += count;
    }
    if (counts.error()) return;
    sample_.num_ack_pending = in_hand;
    sample_.scheduled = later;
    sample_.dead = dead;
    if (paused.size() == spec_.queues.size())
      sample_.paused = fmt::format("queue {} is paused in BullMQ", spec_.what());
    // A job that waits for its time has come when that is over. One that fails and waits again has been added before:
    // the total stands still until it is made up for.
    const bool told = !dropped_ || now_ - *dropped_ >= kDropsStay;
    if (added < added_ || paused != paused_ || told != sample_told_) {
      ++windows_;
      arrived_ = 0;
    }
    added_ = added;
    paused_ = std::move(paused);
    sample_told_ = told;
    if (!told) return;
    arrived_ = std::max(arrived_, added - std::min(added, later));
    sample_.totals.arrived = arrived_;
  }

  std::uint64_t added_ = 0, arrived_ = 0;
  std::vector<std::string> paused_;
  int windows_ = 0;
  struct Counter {
    std::uint64_t value = 0;
    bool moved = false;
  };
  std::vector<Counter> counters_;  // by queue
  std::optional<Time> dropped_;    // when an event last told of that
  bool sample_told_ = true;
};

}  // namespace

std::unique_ptr<Layout> bullmq_layout(const RedisSpec& spec) { return std::make_unique<BullMqLayout>(spec); }

}  // namespace docktor
