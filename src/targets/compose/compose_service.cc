#include "targets/compose/compose_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <ctime>
#include <tuple>
#include <utility>

#include "core/pause.h"
#include "core/text.h"

namespace docktor {
namespace {

constexpr std::size_t kMostNews = 100;
// An engine that shuts down tells its containers to end this long before the connection breaks, at the most.
constexpr Duration kShutdownTells = std::chrono::seconds(20);

// A word to the worker (reload, reopen the log) is no order to end; SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD,
// SIGCONT, SIGSTOP, SIGTSTP, SIGWINCH.
bool ends(int signal) {
  static constexpr std::array<int, 8> kWords{1, 10, 12, 17, 18, 19, 20, 28};
  return std::ranges::find(kWords, signal) == kWords.end();
}

int number_of(const std::string& text) {
  int n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

std::string names(const std::vector<std::string>& all) {
  constexpr std::size_t kShown = 5;
  if (all.size() <= kShown) return fmt::format("{}", fmt::join(all, ", "));
  return fmt::format("{} and {} more", fmt::join(all.begin(), all.begin() + kShown, ", "),
                     all.size() - kShown);
}

}  // namespace

std::string stopped_text(Time at) {
  const auto s = static_cast<std::time_t>(
      std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
  std::tm tm{};
  ::localtime_r(&s, &tm);
  return fmt::format("scaled to 0 outside docktor at {:02}:{:02}", tm.tm_hour, tm.tm_min);
}

void ComposeService::restore(std::set<std::string> stopping, std::optional<int> replicas,
                             std::string stopped_by_hand) {
  old_stopping_ = std::move(stopping);
  old_replicas_ = replicas;
  stopped_by_hand_ = std::move(stopped_by_hand);
}

void ComposeService::created(const std::string& id, Time now) {
  auto& t = tracked_[id];
  t.mine = true;
  t.c.id = id;
  t.c.state = ContainerState::kCreated;
  t.since = now;
}

void ComposeService::started(const std::string& id) {
  if (const auto found = tracked_.find(id); found != tracked_.end()) {
    auto& t = found->second;
    t.mine = true;
    t.by_hand = false;
    t.told_to_end.reset();
    t.next_start.reset();
    t.starting = true;
  }
}

void ComposeService::not_started(const std::string& id) {
  if (const auto found = tracked_.find(id); found != tracked_.end()) found->second.starting = false;
}

void ComposeService::remember(const std::vector<ContainerEvent>& events) {
  std::set<std::string> told;
  for (const auto& e : events) {
    if (e.action == "start") {
      told.erase(e.id);
      died_alone_.erase(e.id);
    }
    const auto signal = e.attributes.find("signal");
    const bool kill = e.action == "kill" && (signal == e.attributes.end() || ends(number_of(signal->second)));
    if (kill || e.action == "stop") {
      told.insert(e.id);
      died_alone_.erase(e.id);
    }
    if (e.action == "die" && !told.contains(e.id)) died_alone_.insert(e.id);
  }
}

bool ComposeService::told_just_now(Time now) const {
  return std::ranges::any_of(tracked_, [&](const auto& entry) {
    const auto& t = entry.second;
    return !t.stopping && t.told_to_end && now - *t.told_to_end < kShutdownTells;
  });
}

void ComposeService::stopping(const std::string& id, Time now) {
  if (const auto found = tracked_.find(id); found != tracked_.end()) {
    found->second.stopping = true;
    found->second.state = ReplicaState::kStopping;
    found->second.since = now;
  }
  // It may be gone before the next list: that is not somebody's doing.
  for (auto& r : shown_) {
    if (r.container == id) r.state = ReplicaState::kStopping;
  }
}

void ComposeService::forget(const std::string& id) {
  tracked_.erase(id);
  std::erase_if(shown_, [&](const Replica& r) { return r.container == id; });
}

void ComposeService::on_event(const ContainerEvent& e, Time now) {
  const auto label_of = [&](const char* key) {
    const auto found = e.attributes.find(key);
    return found == e.attributes.end() ? std::string() : found->second;
  };
  if (label_of("com.docker.compose.service") != service_) {
    // Another service of the project: only Compose's own work matters, which makes containers one after the
    // other.
    if (e.action == "create" || e.action == "rename") last_hand_ = std::max(last_hand_, now);
    return;
  }
  const auto found = tracked_.find(e.id);
  const bool ours = found != tracked_.end() && found->second.stopping;
  if (ours) {
    // An engine that stops a container sends SIGKILL when the grace period is over, and tells each signal.
    auto& t = found->second;
    const bool kill = e.action == "kill" && number_of(label_of("signal")) == SIGKILL;
    if (kill && !t.over && !std::exchange(t.killed, true)) {
      killed_stops_.killed(t.c.name, t.c.stop_timeout);
      news(fmt::format("{} did not end within its grace period of {}: killed", t.c.name,
                       short_duration(t.c.stop_timeout)));
    }
    const bool ends = e.action == "die" && !std::exchange(t.over, true);
    if (ends)
      killed_stops_.ended(std::ranges::any_of(
          tracked_, [](const auto& other) { return other.second.stopping && !other.second.over; }));
  }
  if (found != tracked_.end() && !ours) {
    auto& t = found->second;
    const int signal = e.action == "kill" ? number_of(label_of("signal")) : 0;
    if (e.action == "kill" && !ends(signal)) t.signalled = signal;
    if ((e.action == "kill" && ends(signal)) || e.action == "stop") t.told_to_end = now;
    if (e.action == "start") {
      t.told_to_end.reset();
      t.signalled = 0;
    }
    // `docker stop -t 600`: it took the time that it was given, longer than its own. An engine that has just come
    // tells late of what it ended in going or coming.
    const bool engine_tells = returned_at_ && now - *returned_at_ < care_.longest_unrest;
    if (e.action == "stop" && t.c.ended() && !t.by_hand && !t.starting && !engine_tells) {
      t.by_hand = true;
      t.by_hand_at = now;
      t.next_start.reset();
    }
  }
  const bool by_hand = !ours && (found == tracked_.end() || !found->second.mine);
  const bool tells =
      e.action == "kill" || e.action == "stop" || e.action == "destroy" || e.action == "rename";
  if ((by_hand && e.action == "create") || (!ours && tells)) last_hand_ = std::max(last_hand_, now);
}

void ComposeService::on_gap(Time now) {
  for (auto& [id, t] : tracked_) {
    if (t.told_to_end && now - *t.told_to_end < kShutdownTells && !t.c.ended()) t.told_to_end.reset();
  }
}

void ComposeService::on_return(Time away_since, Time now) {
  returned_at_ = now;
  const auto from = away_since - kShutdownTells;
  bool revived = false;
  for (auto& [id, t] : tracked_) {
    const auto ended_at = t.told_to_end.value_or(t.by_hand_at);
    if (t.told_to_end && *t.told_to_end >= from) t.told_to_end.reset();
    if (!t.by_hand || ended_at < from) continue;
    t.by_hand = false;
    t.ended_by_engine(care_, now);
    revived = true;
  }
  if (!revived || stopped_by_hand_.empty() || stopped_at_ < from) return;
  stopped_by_hand_.clear();
  news("the engine was restarted: what it ended is started again");
}

void ComposeService::crashed(TrackedContainer& t, Time now) {
  const auto ran = t.c.started && t.c.finished ? *t.c.finished - *t.c.started : Duration::zero();
  const bool done = t.c.exit_code == 0 && !t.c.oom_killed && t.c.error.empty() && ran >= kDoneItsShare;
  const bool was_stable = t.running_since && now - *t.running_since >= care_.stable_after;
  t.crashes = done ? 0 : was_stable ? 1 : t.crashes + 1;
  // One that was told to end long ago: the word that this was its end may be on its way.
  const auto pause = was_stable && !t.told_to_end
                         ? Duration::zero()
                         : pause_after(std::max(t.crashes, 1), care_.first_backoff, care_.longest_backoff);
  t.next_start = now + pause;
  news(fmt::format("{} ended by itself ({})", t.c.name, ending_of(t.c)));
}

// Somebody told it to, the engine did in going, or it ended by itself.
void ComposeService::ended(TrackedContainer& t, Time now) {
  const auto& c = t.c;
  // A signal long ago did not end it (the worker goes on after it).
  const bool told = (t.told_to_end && now - *t.told_to_end <= c.stop_timeout + std::chrono::seconds(5)) ||
                    (t.signalled != 0 && c.exit_code == 128 + t.signalled);
  // One of ours that nobody saw alive was being started as the engine went away.
  const bool by_engine = (t.running_since || t.mine) && returned_at_ &&
                         now - *returned_at_ < care_.longest_unrest && c.restarted_by_docker;
  // What Docker would start again after such an end and has not was stopped by somebody, though the event was
  // missed; unless Docker tried and could not.
  t.by_hand = told || (c.restarted_by_docker && !by_engine && c.error.empty());
  if (t.by_hand)
    t.by_hand_at = now;
  else if (by_engine)
    t.ended_by_engine(care_, now);
  else
    crashed(t, now);
}

void ComposeService::take(TrackedContainer& t, const Container& c, Time now, bool first) {
  const auto before = t.c.state;
  const bool fresh_one = t.c.name.empty();
  const bool new_start = t.c.started != c.started;
  t.c = c;
  t.seen = true;
  if (c.state == ContainerState::kRunning || c.state == ContainerState::kPaused) {
    if (!t.running_since || new_start) {
      // One that was running before we came has run long enough, unless it began just now.
      t.running_since = fresh_one && c.started ? std::min(now, *c.started) : now;
      t.by_hand = false;
      t.starting = false;
      t.next_start.reset();
    }
    if (now - *t.running_since >= care_.stable_after) t.crashes = 0;
  } else if (c.ended() && !t.stopping) {
    const bool was_alive = t.running_since.has_value();
    if (first) {
      // Nobody can tell, but for what the engine remembers; Docker itself leaves such a one alone, too.
      t.by_hand = !died_alone_.contains(c.id);
      if (!t.by_hand) crashed(t, now);
    } else if (t.starting && !new_start) {
      // docktor's start of it is under way
    } else if ((was_alive || before != c.state || (t.starting && new_start)) && !t.by_hand && !t.next_start) {
      t.starting = false;
      ended(t, now);
    }
    t.running_since.reset();
  } else if (c.state == ContainerState::kRestarting) {
    t.running_since.reset();
    t.starting = false;
  }
  const auto state = state_of(t, now);
  if (state != t.state || fresh_one) {
    t.state = state;
    t.since = fresh_one && c.started && state != ReplicaState::kStopping ? std::min(now, *c.started) : now;
  }
  if (state == ReplicaState::kReady || first) t.was_ready = true;
}

// Somebody made it and has not started it yet. When nobody does, it is no replica, and said to be none.
bool ComposeService::in_the_making(TrackedContainer& t, Time now) {
  if (t.c.state != ContainerState::kCreated || t.mine) return false;
  const auto quiet = now - std::max(last_hand_, t.c.created);
  if (quiet < kLeftBehind || (compose_waits_ && now - t.c.created < care_.longest_unrest)) return true;
  if (!std::exchange(t.told_of_leftover, true)) {
    news(fmt::format(
        "{0} was created and never started (did `docker compose up` fail?): start it with `docker "
        "compose up -d {1}`, or remove it with `docker rm {0}`",
        t.c.name, service_));
  }
  return false;
}

void ComposeService::update(const std::vector<Container>& containers, Time now) {
  for (auto& [id, t] : tracked_) t.seen = false;
  bool compose_at_work = false;
  for (const auto& c : containers) {
    if (c.one_off) continue;
    auto& t = tracked_[c.id];
    if (first_ && old_stopping_.contains(c.id)) t.stopping = true;
    take(t, c, now, first_);
    if (c.replacing) compose_at_work = true;
    compose_at_work |= in_the_making(t, now);
  }
  std::erase_if(tracked_, [](const auto& entry) { return !entry.second.seen; });
  const auto there = fresh(now);
  if (std::exchange(first_, false)) return adopt(there);
  settle(there, compose_at_work, now);
}

void ComposeService::settle(const std::vector<Replica>& there, bool compose_at_work, Time now) {
  std::set<std::string> there_ids;
  for (const auto& r : there) there_ids.insert(r.container);
  bool lost = false;
  for (const auto& r : shown_) lost |= r.state != ReplicaState::kStopping && !there_ids.contains(r.container);
  if (!lost && !compose_at_work) {
    accept(there, now);
    return;
  }
  if (!unrest_since_) {
    unrest_since_ = now;
    last_hand_ = std::max(last_hand_, now);
  }
  const bool quiet = now - last_hand_ >= care_.settle && !compose_at_work;
  if (quiet || now - *unrest_since_ >= care_.longest_unrest) {
    accept(there, now);
    return;
  }
  unrest_ = fmt::format("Compose is changing {}; waiting for it to finish", service_);
}

void ComposeService::adopt(const std::vector<Replica>& there) {
  std::vector<std::string> running;
  for (const auto& r : there) {
    if (r.state != ReplicaState::kStopping) running.push_back(r.id);
  }
  if (!running.empty()) news(fmt::format("adopted {} running: {}", running.size(), names(running)));
  come_alive(static_cast<int>(running.size()));
  if (running.empty() && stopped_by_hand_.empty()) {
    Time ended_at{};
    bool has_ended = false;
    for (const auto& [id, t] : tracked_) {
      if (t.stopping || !t.c.ended()) continue;
      has_ended = true;
      ended_at = std::max(ended_at, t.c.finished.value_or(Time{}));
    }
    // Zero that docktor itself had made is nobody's hand.
    if (old_replicas_ ? *old_replicas_ > 0 : has_ended) {
      stopped_by_hand_ =
          has_ended ? stopped_text(ended_at) : "scaled to 0 outside docktor while it was not running";
      news(stopped_by_hand_);
    }
  }
  shown_ = there;
}

void ComposeService::accept(const std::vector<Replica>& there, Time now) {
  unrest_.clear();
  unrest_since_.reset();
  std::set<std::string> before, after;
  std::vector<std::string> gone, come;
  for (const auto& r : there) {
    if (r.state != ReplicaState::kStopping) after.insert(r.container);
  }
  for (const auto& r : shown_) {
    if (r.state == ReplicaState::kStopping) continue;
    before.insert(r.container);
    const auto found = tracked_.find(r.container);
    const bool by_us = found != tracked_.end() && found->second.stopping;
    if (!after.contains(r.container) && !by_us) gone.push_back(r.id);
  }
  for (const auto& r : there) {
    const auto found = tracked_.find(r.container);
    const bool by_us = found != tracked_.end() && found->second.mine;
    if (after.contains(r.container) && !before.contains(r.container) && !by_us) come.push_back(r.id);
  }
  const auto was = before.size();
  const auto is = after.size();
  if (!gone.empty() && !come.empty()) {
    news(fmt::format("somebody replaced {} by {}: {} → {}", names(gone), names(come), was, is));
    replaced_ = gone.size() == was && is < was ? static_cast<int>(was) : 0;
  } else if (!gone.empty()) {
    news(fmt::format("somebody stopped {}: {} → {}", names(gone), was, is));
  } else if (!come.empty()) {
    news(fmt::format("somebody started {}: {} → {}", names(come), was, is));
  }
  if (!gone.empty() && is == 0 && stopped_by_hand_.empty()) {
    stopped_by_hand_ = stopped_text(now);
    stopped_at_ = now;
    news(stopped_by_hand_);
  }
  come_alive(static_cast<int>(is));
  shown_ = there;
}

void ComposeService::come_alive(int count) {
  if (count == 0 || stopped_by_hand_.empty()) return;
  stopped_by_hand_.clear();
  news(fmt::format("a replica is running again; docktor scales {} again", service_));
}

void ComposeService::news(std::string text) {
  if (news_.size() < kMostNews) news_.push_back(std::move(text));
}

}  // namespace docktor
