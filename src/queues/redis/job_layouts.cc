#include "queues/redis/job_layouts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/text.h"
#include "queues/redis/job_base.h"

namespace docktor {

namespace {

// Two counts of one pipeline are of two instants.
std::uint64_t less(std::uint64_t all, std::uint64_t part) { return all - std::min(all, part); }

// A list of the user's own; another type of key is counted by its own command.
class ListLayout final : public JobLayout {
 public:
  explicit ListLayout(const RedisSpec& spec) : JobLayout(spec) {
    keys_.push_back(key(spec.list));
    if (!spec.in_flight_list.empty()) keys_.push_back(key(spec.in_flight_list));
  }

  Result<Step> next(const RedisAnswer& answer) override {
    if (!typing_) {
      const bool other =
          std::ranges::any_of(answer.replies, [](const Reply& r) { return r.is_error("WRONGTYPE"); });
      if (!other) return JobLayout::next(answer);
      typing_ = true;
      Commands types;
      for (const auto& k : keys_) types.push_back({"TYPE", k});
      return send(std::move(types));
    }
    typing_ = false;
    Counts types(answer, sent_);
    Commands counting;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const auto* type = types.reply();
      if (!type) return tl::unexpected(*types.error());
      if (commands_.size() <= i) commands_.resize(i + 1, "LLEN");
      const auto what = type->words() ? *type->words() : std::string();
      commands_[i] = counting_command(what);
      if (what != "list" && what != "none" && commands_[i] == "LLEN") {
        return fail(ErrorCode::kInvalid,
                    fmt::format("{}: key {} holds a value of type {}, which has no length",
                                answer.server->place, keys_[i], one_line(what)),
                    true);
      }
      counting.push_back({commands_[i], keys_[i]});
    }
    return send(std::move(counting));
  }

  std::vector<Finding> look(const Ask& ask) override {
    Commands marks;
    for (const auto& k : keys_) marks.push_back({"EXISTS", k});
    return look_with(ask, "list", marks, fmt::format("a key {}", fmt::join(keys_, " and ")));
  }

  std::string note() const override {
    if (held_ == 0 || now_ - held_since_ < spec_.claim_after) return {};
    return fmt::format(
        "{} in {} since {}, while nothing waits: a long job, or what a worker that died has left there, "
        "which "
        "keeps a replica until somebody puts it back into {} or takes it away",
        held_ == 1 ? "1 job stands" : fmt::format("{} jobs stand", held_), keys_[1], clock_text(held_since_),
        keys_[0]);
  }

 private:
  static const char* counting_command(std::string_view type) {
    return type == "zset"     ? "ZCARD"
           : type == "set"    ? "SCARD"
           : type == "hash"   ? "HLEN"
           : type == "stream" ? "XLEN"
                              : "LLEN";
  }

  Commands first() override {
    Commands out;
    typing_ = false;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      out.push_back({i < commands_.size() ? commands_[i] : std::string("LLEN"), keys_[i]});
    return out;
  }
  void take(Counts& counts) override {
    sample_.num_pending = counts.take();
    if (keys_.size() == 1) return;
    sample_.num_ack_pending = counts.take();
    const auto held = sample_.num_pending > 0 ? 0 : sample_.in_hand();
    if (held == held_) return;
    held_ = held;
    held_since_ = now_;
  }

  std::vector<std::string> keys_;
  std::vector<std::string> commands_;  // by key; LLEN where there is none
  bool typing_ = false;
  // What is in hand while nothing waits, and since when it is as many: Redis tells of no worker that it is dead.
  std::uint64_t held_ = 0;
  Time held_since_{};
};

class RqLayout final : public JobLayout {
 public:
  using JobLayout::JobLayout;

  std::vector<Finding> look(const Ask& ask) override {
    Commands marks;
    for (const auto& q : spec_.queues) marks.push_back({"SISMEMBER", "rq:queues", "rq:queue:" + q});
    for (const auto& q : spec_.queues) marks.push_back({"SCARD", "rq:workers:" + q});
    return look_with(ask, "RQ", marks, fmt::format("rq:queue:{} in rq:queues", spec_.queues.front()));
  }

 private:
  Commands first() override {
    Commands out;
    for (const auto& q : spec_.queues) {
      out.push_back({"LLEN", "rq:queue:" + q});
      out.push_back({"ZCOUNT", "rq:scheduled:" + q, "-inf", seconds_now()});
      out.push_back({"ZCARD", "rq:scheduled:" + q});
      out.push_back({"ZCARD", "rq:deferred:" + q});
      out.push_back({"ZCARD", "rq:wip:" + q});
      // Between the queue and rq:wip; what a worker died with here RQ calls failed after a minute (since 1.14).
      out.push_back({"LLEN", "rq:queue:" + q + ":intermediate"});
      out.push_back({"ZCARD", "rq:failed:" + q});
      out.push_back({"SCARD", "rq:workers:" + q});
    }
    out.push_back({"GET", "rq:suspended"});
    return out;
  }
  void take(Counts& counts) override {
    std::uint64_t in_hand = 0, later = 0, dead = 0, workers = 0;
    for (std::size_t i = 0; i < spec_.queues.size(); ++i) {
      const auto waiting = counts.take();
      const auto due = counts.take();
      sample_.num_pending += waiting + due;
      later += less(counts.take(), due);
      later += counts.take();
      in_hand += counts.take();
      in_hand += counts.take();
      dead += counts.take();
      workers = std::max(workers, counts.take());  // one worker serves several queues
    }
    sample_.num_ack_pending = in_hand;
    sample_.scheduled = later;
    sample_.dead = dead;
    sample_.consumers = workers;
    const auto* suspended = counts.reply_if_allowed();
    if (suspended && !suspended->is_nil()) sample_.paused = "RQ's workers are suspended (rq suspend)";
  }
};

class LaravelLayout final : public JobLayout {
 public:
  using JobLayout::JobLayout;

  std::vector<Finding> look(const Ask& ask) override {
    Commands marks;
    for (const auto& q : spec_.queues) {
      for (const char* part : {"", ":delayed", ":reserved", ":notify"})
        marks.push_back({"EXISTS", base(q) + part});
    }
    return look_with(ask, "Laravel", marks,
                     fmt::format("{} (Laravel puts a prefix of its own before it, as in laravel_database_)",
                                 base(spec_.queues.front())));
  }

 private:
  std::string base(const std::string& queue) const { return key("queues:" + queue); }

  Commands first() override {
    Commands out;
    for (const auto& q : spec_.queues) {
      out.push_back({"LLEN", base(q)});
      for (const char* part : {":delayed", ":reserved"}) {
        out.push_back({"ZCOUNT", base(q) + part, "-inf", seconds_now()});
        out.push_back({"ZCARD", base(q) + part});
      }
    }
    return out;
  }
  // A reserved job whose time is over is given out again by the next worker that asks.
  void take(Counts& counts) override {
    std::uint64_t in_hand = 0, later = 0;
    for (std::size_t i = 0; i < spec_.queues.size(); ++i) {
      sample_.num_pending += counts.take();
      const auto due = counts.take();
      later += less(counts.take(), due);
      const auto expired = counts.take();
      in_hand += less(counts.take(), expired);
      sample_.num_pending += due + expired;
    }
    sample_.num_ack_pending = in_hand;
    sample_.scheduled = later;
  }
};

}  // namespace

std::unique_ptr<Layout> list_layout(const RedisSpec& spec) { return std::make_unique<ListLayout>(spec); }
std::unique_ptr<Layout> rq_layout(const RedisSpec& spec) { return std::make_unique<RqLayout>(spec); }
std::unique_ptr<Layout> laravel_layout(const RedisSpec& spec) {
  return std::make_unique<LaravelLayout>(spec);
}

const FrameworkInfo* framework_named(std::string_view name) {
  const auto* it = std::ranges::find_if(kFrameworks, [&](const FrameworkInfo& f) { return f.name == name; });
  return it == std::end(kFrameworks) ? nullptr : it;
}

}  // namespace docktor
