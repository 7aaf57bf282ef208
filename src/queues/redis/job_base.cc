#include "queues/redis/job_base.h"

#include <fmt/format.h>

#include <utility>

#include "queues/redis/framework_marks.h"

namespace docktor {

std::string some(std::uint64_t n, std::string_view one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

std::string JobLayout::seconds_now() const { return fmt::format("{:.6f}", unix_seconds()); }

std::vector<Finding> JobLayout::look_with(const Ask& ask, const std::string& framework, const Commands& marks,
                                          const std::string& looked_for) {
  std::vector<Finding> out;
  if (auto mark = framework_mark(spec_, ask); !mark.empty())
    out.push_back({Severity::kOk, std::move(mark), {}});
  auto commands = begin(Time(std::chrono::system_clock::now().time_since_epoch()));
  for (int steps = 0; steps < 8; ++steps) {
    const auto answer = ask(std::move(commands));
    if (!answer) return {{Severity::kError, answer.error().message, {}}};
    auto step = next(*answer);
    if (!step) return {{Severity::kError, step.error().message, {}}};
    if (auto* more = std::get_if<Commands>(&*step)) {
      commands = std::move(*more);
      continue;
    }
    const auto& s = std::get<QueueSample>(*step);
    const auto in_hand =
        s.num_ack_pending ? fmt::format("{} in hand", *s.num_ack_pending) : std::string("in hand not told");
    const auto scheduled = s.scheduled ? fmt::format(", {} scheduled", *s.scheduled) : std::string();
    const auto workers = s.consumers ? fmt::format(", {}", some(*s.consumers, "worker")) : std::string();
    out.push_back({Severity::kOk,
                   fmt::format("{} {}: {} waiting, {}{}{}", framework, spec_.what(), s.num_pending, in_hand,
                               scheduled, workers),
                   {}});
    break;
  }
  if (marks.empty()) return out;
  const auto found = ask(marks);
  if (!found) return out;
  bool any = false;
  for (const auto& r : found->replies) {
    if (r.is_error()) return out;  // not allowed to look: nothing is known
    any = any || r.count().value_or(r.is_array() ? r.items.size() : 0) > 0;
  }
  if (any) return out;
  auto others = other_queues(spec_, ask);
  if (others.cure.empty())
    others.cure = "check the queue's name, key_prefix and the database's number in url";
  out.push_back({Severity::kWarning,
                 fmt::format("no such queue has ever been used in database {}: docktor looked for {}{}{}",
                             found->server->db, looked_for, others.what.empty() ? "" : "; ", others.what),
                 others.cure + "; a queue that nobody has used yet is no mistake"});
  return out;
}

}  // namespace docktor
