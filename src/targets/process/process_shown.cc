#include "targets/process/process_shown.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/text.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMostNews = 200;

// Whole seconds for people, tenths below ten.
std::string time_left(steady_clock::time_point at) {
  const auto left = std::max(steady_clock::now(), at) - steady_clock::now();
  const auto unit = left < std::chrono::seconds(10) ? milliseconds(100) : milliseconds(1000);
  return short_duration((left + unit / 2) / unit * unit);
}

}  // namespace

bool ProcessShown::Row::operator==(const Row& o) const {
  const auto values = [](const Row& s) {
    return std::tie(s.replica.id, s.replica.pid, s.replica.state, s.replica.since, s.replica.restarts,
                    s.replica.note, s.replica.at_once, s.at, s.countdown, s.after);
  };
  return values(*this) == values(o);
}

ProcessShown::Row ProcessShown::row_of(const ProcessReplica& r, const std::string& fingerprint) {
  using Phase = ProcessReplica::Phase;
  Row s;
  s.replica.id = r.id;
  s.replica.pid = r.process.pid;
  s.replica.state = r.state();
  s.replica.since = r.since;
  s.replica.restarts = r.restarts;
  s.replica.at_once = r.ready ? 0 : r.at_once;
  auto& note = s.replica.note;
  if (r.stopping) {
    if (r.phase == Phase::kLeaving) note = "ended, what is left of it is ending";
    if (r.killed) {
      note += note.empty() ? "SIGKILL sent" : ", SIGKILL sent";
    } else if (r.deadline) {
      s.at = r.deadline;
      s.countdown = "SIGKILL in";
    }
    return s;
  }
  note = r.ended;
  // What it left behind cannot always be known for its own: a process that renames itself writes over its environment.
  if (s.replica.at_once >= kAtOnceOften)
    note += " (again and again before it was ready: if it goes to the background, keep it in the foreground)";
  if (r.phase == Phase::kWaiting && r.deadline) {
    s.at = r.deadline;
    s.countdown = "next start in";
  }
  if (r.phase == Phase::kLeaving) note += ", it starts again when they have ended";
  if (r.failures > 1 && s.replica.state == ReplicaState::kFailing)
    s.after = fmt::format("{} failures in a row", r.failures);
  if (!note.empty() && !r.output.path().empty())
    s.after += (s.after.empty() ? "output: " : "; output: ") + r.output.path();
  if (!note.empty() && r.phase == Phase::kRunning) note = "restarted after: " + note;
  if (r.phase == Phase::kRunning && !r.status.empty())
    note += std::string(note.empty() ? "" : "; ") + "it says: " + r.status;
  if (r.has_process() && r.fingerprint != fingerprint) {
    note += std::string(note.empty() ? "" : "; ") + "outdated: it runs an earlier command or environment";
  }
  return s;
}

bool ProcessShown::put(const std::list<ProcessReplica>& replicas, const std::string& fingerprint,
                       const std::string& killed) {
  std::vector<Row> rows;
  rows.reserve(replicas.size());
  for (const auto& r : replicas) rows.push_back(row_of(r, fingerprint));
  const std::lock_guard lock(mutex_);
  const bool changed = std::exchange(news_came_, false) || rows != rows_ || killed != killed_;
  rows_ = std::move(rows);
  killed_ = killed;
  return changed;
}

void ProcessShown::news(std::string text) {
  const std::lock_guard lock(mutex_);
  if (news_.size() >= kMostNews) news_.erase(news_.begin());
  news_.push_back(std::move(text));
  news_came_ = true;
}

TargetReport ProcessShown::report() {
  TargetReport out;
  std::vector<Row> rows;
  {
    const std::lock_guard lock(mutex_);
    rows = rows_;
    out.killed = killed_;
    out.news = std::exchange(news_, {});
  }
  for (auto& s : rows) {
    if (s.at) {
      if (!s.replica.note.empty()) s.replica.note += ", ";
      s.replica.note += s.countdown + " " + time_left(*s.at);
    }
    if (!s.after.empty()) s.replica.note += (s.replica.note.empty() ? "" : "; ") + s.after;
    out.replicas.push_back(std::move(s.replica));
  }
  return out;
}

}  // namespace docktor
