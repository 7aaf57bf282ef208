// A pool's report, record, deadlines and housekeeping.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "targets/process/process_pool.h"

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

bool ProcessPool::Shown::operator==(const Shown& o) const {
  const auto values = [](const Shown& s) {
    return std::tie(s.replica.id, s.replica.pid, s.replica.state, s.replica.since, s.replica.restarts,
                    s.replica.note, s.replica.at_once, s.at, s.countdown, s.after);
  };
  return values(*this) == values(o);
}

TargetReport ProcessPool::report() {
  TargetReport out;
  std::vector<Shown> shown;
  {
    const std::lock_guard lock(mutex_);
    shown = shown_;
    out.killed = killed_;
    out.news = std::exchange(news_, {});
  }
  out.grace = options_.spec.stop_grace_period;
  for (auto& s : shown) {
    if (s.at) {
      if (!s.replica.note.empty()) s.replica.note += ", ";
      s.replica.note += s.countdown + " " + time_left(*s.at);
    }
    if (!s.after.empty()) s.replica.note += (s.replica.note.empty() ? "" : "; ") + s.after;
    out.replicas.push_back(std::move(s.replica));
  }
  return out;
}

void ProcessPool::update(ProcessSpec spec) {
  options_.spec = std::move(spec);
  fingerprint_ = fingerprint(options_.spec);
  killed_stops_.forget();
  for (auto& r : replicas_) {
    if (r.phase != Phase::kWaiting || r.stopping || r.fingerprint == fingerprint_) continue;
    r.failures = 0;
    r.deadline = steady_clock::now();
  }
  plan();
  touch();
}

ProcessPool::Shown ProcessPool::show(const ProcessReplica& r) const {
  Shown s;
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
  if (r.has_process() && r.fingerprint != fingerprint_) {
    note += std::string(note.empty() ? "" : "; ") + "outdated: it runs an earlier command or environment";
  }
  return s;
}

void ProcessPool::publish() {
  publish_posted_ = false;
  if (closed_) return;
  std::vector<Shown> shown;
  shown.reserve(replicas_.size());
  for (const auto& r : replicas_) shown.push_back(show(r));
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    changed = std::exchange(news_changed_, false) || shown != shown_ || killed_ != killed_stops_.text();
    shown_ = std::move(shown);
    killed_ = killed_stops_.text();
  }
  if (std::exchange(record_changed_, false)) write_record();
  if (changed && options_.on_change) options_.on_change();
}

void ProcessPool::touch() {
  if (closed_ || std::exchange(publish_posted_, true)) return;
  // Once for all that changes in this turn.
  supervisor_.post([self = shared_from_this()] {
    if (self->publish_posted_) self->publish();
  });
}

void ProcessPool::touch_record() {
  record_changed_ = true;
  touch();
}

void ProcessPool::news(std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (news_.size() >= kMostNews) news_.erase(news_.begin());
    news_.push_back(std::move(text));
    news_changed_ = true;
  }
  touch();
}

std::string ProcessPool::output_path(const ProcessReplica& r) const {
  return fmt::format("{}/{}.log", options_.log_directory, file_name(r.id));
}

void ProcessPool::write_record() {
  ProcessRecord record;
  record.boot = boot_;
  record.says_ready = says_ready_;
  for (const auto& r : replicas_) {
    if (!r.has_process() || r.process.pid <= 1) continue;
    RecordedReplica recorded;
    recorded.id = r.id;
    recorded.token = r.token;
    recorded.process = r.process;
    recorded.stopping = r.stopping;
    const auto kill_at = r.deadline.value_or(steady_clock::now()).time_since_epoch();
    recorded.kill_at_ms =
        std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(kill_at).count());
    recorded.restarts = r.restarts;
    recorded.fingerprint = r.fingerprint;
    recorded.output = r.output.path();
    record.replicas.push_back(std::move(recorded));
  }
  auto text = to_text(record);
  if (text == written_) return;
  written_ = text;
  supervisor_.records().write(record_path_, std::move(text));
}

// What the next docktor finds our replicas by: removed, or not written when it should have been, it is
// written again.
void ProcessPool::keep_files() {
  if (closed_ || replicas_.empty()) return;
  const auto is_file = [](const std::string& path) {
    struct stat s{};
    return ::lstat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0;
  };
  if (!is_file(pool_path_)) supervisor_.records().write(pool_path_, identity_ + "\n");
  if (!written_.empty() && !is_file(record_path_)) supervisor_.records().write(record_path_, written_);
}

void ProcessPool::tick() {
  if (closed_) return;
  const auto now = steady_clock::now();
  std::vector<ProcessReplica*> due;
  for (auto& r : replicas_) {
    if (r.deadline && *r.deadline <= now) due.push_back(&r);
  }
  for (auto* r : due) on_deadline(*r);  // removes none
  for (auto& r : replicas_) {
    if (!r.look_again || *r.look_again > now) continue;
    r.look_again.reset();
    look_soon_after(r);
  }
  if (next_housekeeping_ && *next_housekeeping_ <= now) housekeep();
  if (show_status_at_ && *show_status_at_ <= now) {
    show_status_at_.reset();
    touch();
  }
  plan();
}

void ProcessPool::plan() {
  if (closed_) return;
  const bool any_running =
      std::ranges::any_of(replicas_, [](const ProcessReplica& r) { return r.phase == Phase::kRunning; });
  if (!any_running && trouble_.empty())
    next_housekeeping_.reset();
  else if (!next_housekeeping_)
    next_housekeeping_ = steady_clock::now() + options_.care.output_check;
  std::optional<TimePoint> next = next_housekeeping_;
  const auto sooner = [&](const std::optional<TimePoint>& t) {
    if (t && (!next || *t < *next)) next = t;
  };
  sooner(show_status_at_);
  for (const auto& r : replicas_) {
    sooner(r.deadline);
    sooner(r.look_again);
  }
  if (!next) return supervisor_.no_wake(this);
  supervisor_.wake(this, *next, [self = shared_from_this()] { self->tick(); });
}

void ProcessPool::housekeep() {
  bool cut = false;
  for (auto& r : replicas_) {
    if (r.phase != Phase::kRunning) continue;
    cut = r.output.cut(options_.care.output_cap, r.process.pid) || cut;
    on_end(r);  // should its watch have failed
  }
  // One that fills its file between two looks is looked at more often.
  next_housekeeping_ =
      steady_clock::now() + (cut ? options_.care.output_check / 10 : options_.care.output_check);

  keep_files();
  const auto failure = supervisor_.records().trouble(record_path_);
  const std::string trouble = failure ? failure->message : "";
  if (trouble.empty() != trouble_.empty()) {
    news(trouble.empty()
             ? "the record of replicas is written again"
             : fmt::format(
                   "⚠ the record of replicas cannot be written: {}; free some space or fix the folder's "
                   "rights; until then they are found by their environment",
                   trouble));
  }
  trouble_ = trouble;
  if (!trouble_.empty()) supervisor_.records().write(record_path_, written_);
}

}  // namespace docktor
