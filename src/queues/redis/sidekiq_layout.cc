// Sidekiq: a list per queue; what is scheduled, retried and in hand lies together for all queues, the queue's name within
// each job's JSON.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.h"
#include "queues/redis/job_base.h"
#include "queues/redis/job_layouts.h"

namespace docktor {

namespace {

constexpr std::size_t kMaxDue = 100;         // looked into; more are taken to be alike
constexpr std::size_t kMaxProcesses = 1000;  // of all queues
constexpr std::size_t kMaxJson = std::size_t{1} << 20;

using Json = nlohmann::json;

Json object_of(const std::string* text) {
  if (!text || text->size() > kMaxJson) return Json::object();
  auto j = parse_json(*text);
  return j.is_object() ? j : Json::object();
}

std::string queue_of(const Reply& job) {
  const auto j = object_of(job.words());
  const auto it = j.find("queue");
  return it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// Processes write down what they work on so often.
constexpr Duration kHeartbeat = std::chrono::seconds(10);

class SidekiqLayout final : public JobLayout {
 public:
  using JobLayout::JobLayout;

  Result<Step> next(const RedisAnswer& answer) override {
    if (in_processes_) return processes_read(answer);
    Counts counts(answer, sent_);
    take(counts);
    if (counts.error()) return tl::unexpected(*counts.error());
    if (processes_.empty()) {
      sample_.num_ack_pending = 0;
      sample_.consumers = 0;
      return std::move(sample_);
    }
    in_processes_ = true;
    Commands asked;
    for (const auto& p : processes_) {
      asked.push_back({"HGET", key(p), "info"});
      asked.push_back({"HVALS", key(p + ":workers")});
      asked.push_back({"HVALS", key(p + ":work")});  // since 7
    }
    return send(std::move(asked));
  }

  std::vector<Finding> look(const Ask& ask) override {
    Commands marks;
    for (const auto& q : spec_.queues) marks.push_back({"SISMEMBER", key("queues"), q});
    return look_with(ask, "Sidekiq", marks,
                     fmt::format("{} in the set {}", spec_.queues.front(), key("queues")));
  }

 private:
  bool ours(const std::string& queue) const {
    return std::ranges::find(spec_.queues, queue) != spec_.queues.end();
  }

  Commands first() override {
    in_processes_ = false;
    Commands out;
    for (const auto& q : spec_.queues) out.push_back({"LLEN", key("queue:" + q)});
    for (const char* set : {"schedule", "retry"}) {
      out.push_back({"ZCOUNT", key(set), "-inf", seconds_now()});
      out.push_back({"ZCARD", key(set)});
      out.push_back(
          {"ZRANGEBYSCORE", key(set), "-inf", seconds_now(), "LIMIT", "0", std::to_string(kMaxDue)});
    }
    out.push_back({"ZCARD", key("dead")});
    out.push_back({"SMEMBERS", key("processes")});
    return out;
  }

  void take(Counts& counts) override {
    for (std::size_t i = 0; i < spec_.queues.size(); ++i) sample_.num_pending += counts.take();
    sample_.step = kHeartbeat;  // what is in hand
    std::uint64_t later = 0;
    for (int set = 0; set < 2; ++set) {
      const auto due = counts.take();
      const auto all = counts.take();
      later += all - std::min(all, due);
      const auto* jobs = counts.reply();
      if (!jobs || jobs->items.empty()) continue;
      const auto mine = static_cast<std::uint64_t>(
          std::ranges::count_if(jobs->items, [&](const Reply& j) { return ours(queue_of(j)); }));
      sample_.num_pending += due > jobs->items.size() ? due * mine / jobs->items.size() : mine;
    }
    sample_.scheduled = later;
    sample_.dead = counts.take();
    processes_.clear();
    const auto* processes = counts.reply();
    if (!processes) return;
    for (const auto& p : processes->items) {
      if (p.words() && processes_.size() < kMaxProcesses) processes_.push_back(*p.words());
    }
  }

  Result<Step> processes_read(const RedisAnswer& answer) {
    Counts counts(answer, sent_);
    std::uint64_t in_hand = 0, serving = 0;
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      const auto* about = counts.reply();
      const auto queues = object_of(about ? about->words() : nullptr).value("queues", Json());
      serving += std::ranges::any_of(
          queues, [&](const Json& q) { return q.is_string() && ours(q.get<std::string>()); });
      for (int kind = 0; kind < 2; ++kind) {
        if (const auto* work = counts.reply())
          in_hand += static_cast<std::uint64_t>(
              std::ranges::count_if(work->items, [&](const Reply& j) { return ours(queue_of(j)); }));
      }
    }
    if (counts.error()) return tl::unexpected(*counts.error());
    sample_.num_ack_pending = in_hand;
    sample_.consumers = serving;
    return std::move(sample_);
  }

  bool in_processes_ = false;
  std::vector<std::string> processes_;
};

}  // namespace

std::unique_ptr<Layout> sidekiq_layout(const RedisSpec& spec) {
  return std::make_unique<SidekiqLayout>(spec);
}

}  // namespace docktor
