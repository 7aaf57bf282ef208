// Celery, by kombu: one list per priority of a queue; what workers have fetched is in one hash for all queues of the database.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/json_text.h"
#include "queues/redis/job_base.h"
#include "queues/redis/job_layouts.h"

namespace docktor {

namespace {

constexpr int kPriorities = 10;  // 0 to 9; kombu's steps are some of these
constexpr int kMostTags = 1000;  // of messages in hand that are listed in a reading
// Of those, that are looked into for their queue in a reading; more are taken to be alike.
constexpr std::size_t kMostLooked = 50;
constexpr std::size_t kMostJson = std::size_t{1} << 20;
constexpr std::string_view kSeparator = "\x06\x16";

class CeleryLayout final : public JobLayout {
 public:
  using JobLayout::JobLayout;

  Result<Step> next(const RedisAnswer& answer) override {
    Counts counts(answer, sent_);
    if (std::exchange(looking_, false)) {
      look_into(counts);
    } else {
      take(counts);
      if (!counts.error()) {
        if (auto more = unlooked(); !more.empty()) {
          looking_ = true;
          return send(std::move(more));
        }
      }
    }
    if (counts.error()) return tl::unexpected(*counts.error());
    count_fetched();
    return std::move(sample_);
  }

  std::vector<Finding> look(const Ask& ask) override {
    Commands marks;
    for (const auto& q : spec_.queues) marks.push_back({"EXISTS", key("_kombu.binding." + q)});
    for (const auto& q : spec_.queues) marks.push_back({"EXISTS", key(q)});
    auto out = look_with(ask, "Celery", marks, key("_kombu.binding." + spec_.queues.front()));
    if (!spec_.acks_late) {
      out.push_back({Severity::kOk,
                     "tasks that are being worked on cannot be seen in Redis with early acknowledgement; "
                     "with acks_late in Celery, write acks_late: true here",
                     {}});
    }
    look_for_separator(ask, out);
    return out;
  }

 private:
  // A message that a worker has fetched and not acknowledged.
  struct Fetched {
    std::string tag;
    // For longer than the visibility timeout: the next worker that looks gives it out again.
    bool lost = false;
  };

  std::string list(const std::string& queue, std::string_view separator, int priority) const {
    return priority == 0 ? key(queue) : fmt::format("{}{}{}", key(queue), separator, priority);
  }

  Commands first() override {
    looking_ = false;
    Commands out;
    const auto separator =
        spec_.priority_separator.empty() ? kSeparator : std::string_view(spec_.priority_separator);
    for (const auto& q : spec_.queues) {
      for (int priority = 0; priority < kPriorities; ++priority)
        out.push_back({"LLEN", list(q, separator, priority)});
    }
    out.push_back({"ZCARD", key("unacked_index")});
    out.push_back({"ZRANGEBYSCORE", key("unacked_index"), "-inf", "+inf", "WITHSCORES", "LIMIT", "0",
                   std::to_string(kMostTags)});
    return out;
  }

  void take(Counts& counts) override {
    for (std::size_t i = 0; i < spec_.queues.size() * kPriorities; ++i) sample_.num_pending += counts.take();
    all_fetched_ = counts.take();
    fetched_.clear();
    const auto* index = counts.reply();
    if (!index) return;
    const auto lost = unix_seconds() - std::chrono::duration<double>(spec_.claim_after).count();
    for (std::size_t i = 0; i + 1 < index->items.size(); i += 2) {
      const auto *tag = index->items[i].words(), *since = index->items[i + 1].words();
      if (tag && since) fetched_.push_back({*tag, std::strtod(since->c_str(), nullptr) <= lost});
    }
    all_fetched_ = std::max<std::uint64_t>(all_fetched_, fetched_.size());
    std::map<std::string, bool> still;
    for (const auto& f : fetched_) {
      if (const auto known = ours_.find(f.tag); known != ours_.end()) still.insert(*known);
    }
    ours_ = std::move(still);
  }

  // A tag's message stays what it is: each is looked into once.
  Commands unlooked() {
    Commands out;
    looked_.clear();
    for (const auto& f : fetched_) {
      if (looked_.size() == kMostLooked) break;
      if ((!f.lost && !spec_.acks_late) || ours_.contains(f.tag)) continue;
      looked_.push_back(f.tag);
      out.push_back({"HGET", key("unacked"), f.tag});
    }
    return out;
  }

  void look_into(Counts& counts) {
    for (const auto& tag : looked_) {
      // One that was acknowledged meanwhile is nobody's.
      if (const auto* message = counts.reply())
        ours_[tag] = !message->is_nil() && may_be_ours(message->words());
    }
  }

  // [message, exchange, routing key]. Without an exchange the routing key is the queue's name, as Celery sends it where nobody
  // says otherwise; what came by an exchange may have come to any queue.
  bool may_be_ours(const std::string* text) const {
    if (!text || text->size() > kMostJson) return true;
    const auto j = parse_json(*text);
    if (!j.is_array() || j.size() != 3 || !j[1].is_string() || !j[2].is_string()) return true;
    if (!j[1].get_ref<const std::string&>().empty()) return true;
    return std::ranges::find(spec_.queues, j[2].get_ref<const std::string&>()) != spec_.queues.end();
  }

  void count_fetched() {
    std::uint64_t lost = 0, held = 0, ours = 0, unknown_lost = 0;
    for (const auto& f : fetched_) {
      const auto known = ours_.find(f.tag);
      if (known == ours_.end()) {
        unknown_lost += f.lost;
      } else if (known->second) {
        ++ours;
        ++(f.lost ? lost : held);
      }
    }
    const auto like = [&](std::uint64_t n) { return ours_.empty() ? n : n * ours / ours_.size(); };
    sample_.num_pending += lost + like(unknown_lost);
    if (!spec_.acks_late) return;
    // While some are not known one may be ours: the last replica is not idle.
    const auto unknown = all_fetched_ - ours_.size() - unknown_lost;
    sample_.num_ack_pending = held + std::max(like(unknown), std::min<std::uint64_t>(unknown, 1));
  }

  // A sep of broker_transport_options that the file does not tell hides all but one priority.
  void look_for_separator(const Ask& ask, std::vector<Finding>& out) const {
    if (!spec_.priority_separator.empty()) return;
    Commands marks;
    for (const auto& q : spec_.queues) {
      for (int priority = 1; priority < kPriorities; ++priority)
        marks.push_back({"EXISTS", list(q, ":", priority)});
    }
    const auto found = ask(marks);
    if (!found) return;
    for (std::size_t i = 0; i < marks.size() && i < found->replies.size(); ++i) {
      if (found->replies[i].count().value_or(0) == 0) continue;
      out.push_back({Severity::kWarning,
                     fmt::format("there is a key {}: a list of Celery's priorities, if its "
                                 "broker_transport_options have sep \":\"",
                                 one_line(marks[i].back())),
                     "write priority_separator: \":\" then"});
      return;
    }
  }

  bool looking_ = false;
  std::uint64_t all_fetched_ = 0;
  std::vector<Fetched> fetched_;
  std::vector<std::string> looked_;
  std::map<std::string, bool> ours_;  // by tag: of one of these queues
};

}  // namespace

std::unique_ptr<Layout> celery_layout(const RedisSpec& spec) { return std::make_unique<CeleryLayout>(spec); }

}  // namespace docktor
