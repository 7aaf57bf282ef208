#include "targets/compose/compose.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "targets/compose/compose_check.h"
#include "targets/compose/compose_choice.h"
#include "targets/compose/compose_worker.h"

namespace docktor {

namespace {
constexpr Duration kRemovalRetry = std::chrono::seconds(5);  // where stopping or removing a container failed
constexpr auto kFirstLook = std::chrono::milliseconds(500);
}  // namespace

ComposeTarget::ComposeTarget(ComposeOptions options, Docker& docker, const Clock& clock)
    : worker_(std::make_unique<Worker>(std::move(options), docker, clock)) {}
ComposeTarget::~ComposeTarget() = default;

void ComposeTarget::scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) {
  worker_->scale(order, std::move(done));
}
TargetReport ComposeTarget::report() { return worker_->report(); }
void ComposeTarget::resume() { worker_->resume(); }
std::vector<Finding> ComposeTarget::check() { return worker_->check(); }

ComposeTarget::Worker::Worker(ComposeOptions options, Docker& docker, const Clock& clock)
    : options_(std::move(options)),
      docker_(docker),
      clock_(clock),
      view_(options_.service, options_.spec.ready_after, options_.care),
      record_file_(options_.state_directory + "/" + options_.service + ".compose.json") {
  record_ = saved_ = load_record(record_file_);
  view_.restore(record_.stopping, record_.replicas, record_.stopped_by_hand);
  snapshot_.problem = problem_;
  snapshot_.stopped_by_hand = record_.stopped_by_hand;
  subscription_ = docker_.events().subscribe([inbox = inbox_](const ContainerEvent& e) {
    const std::lock_guard lock(inbox->mutex);
    if (inbox->events.size() >= Inbox::kMostEvents) inbox->events.assign(1, ContainerEvent{.action = "gap"});
    inbox->events.push_back(e);
    inbox->changed.notify_all();
  });
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  // An engine that answers does so within milliseconds; then the first report is a true one. A silent one
  // costs this wait once, not for each service.
  if (!docker_.prompt) return;
  std::unique_lock lock(snapshot_mutex_);
  docker_.prompt = looked_.wait_for(lock, kFirstLook, [&] { return has_looked_; });
}

ComposeTarget::Worker::~Worker() {
  docker_.events().unsubscribe(subscription_);
  thread_.request_stop();
  thread_.join();
  if (inbox_->order) inbox_->order->done(fail(ErrorCode::kUnavailable, "shutting down", true));
}

void ComposeTarget::Worker::scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) {
  std::optional<Order> superseded;
  {
    const std::lock_guard lock(inbox_->mutex);
    superseded = std::exchange(inbox_->order, Order{order, std::move(done)});
    inbox_->changed.notify_all();
  }
  if (superseded) superseded->done("superseded by a newer order");
}

TargetReport ComposeTarget::Worker::report() {
  const std::lock_guard lock(snapshot_mutex_);
  auto out = snapshot_;
  snapshot_.news.clear();
  return out;
}

void ComposeTarget::Worker::resume() {
  const std::lock_guard lock(inbox_->mutex);
  inbox_->resume = true;
  inbox_->changed.notify_all();
}

std::vector<Finding> ComposeTarget::Worker::check() {
  return check_compose(docker_.engine(), options_.service, options_.spec, options_.max_replicas);
}

void ComposeTarget::Worker::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    take_inbox();
    refresh(stop);
    look_after(stop);
    publish();
    std::optional<Order> order;
    {
      const std::lock_guard lock(inbox_->mutex);
      order = std::exchange(inbox_->order, std::nullopt);
    }
    if (order) {
      obey(std::move(*order), stop);
      continue;  // what it changed is shown at once
    }
    wait(stop);
  }
}

void ComposeTarget::Worker::wait(const std::stop_token& stop) {
  const auto at = now();
  auto until = next_list_.value_or(at);
  for (const auto& t : {view_.next_change(at), next_start(view_)}) {
    if (t) until = std::min(until, *t);
  }
  // Also against a clock that a test holds still.
  const auto pause = std::clamp<Duration>(until - at, std::chrono::milliseconds(5), std::chrono::seconds(1));
  std::unique_lock lock(inbox_->mutex);
  inbox_->changed.wait_for(lock, stop, pause, [&] {
    return inbox_->poked || inbox_->order || inbox_->resume || !inbox_->events.empty() ||
           !inbox_->removals_done.empty();
  });
}

void ComposeTarget::Worker::take_inbox() {
  std::vector<ContainerEvent> events;
  std::set<std::string> removed;
  bool resume = false;
  {
    const std::lock_guard lock(inbox_->mutex);
    events.swap(inbox_->events);
    removed.swap(inbox_->removals_done);
    resume = std::exchange(inbox_->resume, false);
    inbox_->poked = false;
  }
  const auto at = now();
  for (const auto& e : events) {
    if (e.action == "gap") {
      all_dirty_ = true;
      next_list_.reset();
      view_.on_gap(at);
      continue;
    }
    const auto project = e.attributes.find("com.docker.compose.project");
    if (project == e.attributes.end() || (!project_.empty() && project->second != project_)) continue;
    view_.on_event(e, at);
    dirty_.insert(e.id);
    next_list_.reset();
  }
  for (const auto& id : removed) {
    removals_[id] = {.in_flight = false, .retry_at = at + kRemovalRetry};
    next_list_.reset();
  }
  if (resume) {
    resumed_ = true;
    no_start_before_.reset();
    never_healthy_ = 0;
    view_.resume();
    next_list_.reset();
  }
}

void ComposeTarget::Worker::publish() {
  const auto at = now();
  TargetReport r;
  r.replicas = view_.replicas(at);
  r.stopped_by_hand = view_.stopped_by_hand();
  r.killed = view_.killed();
  r.problem = !problem_.empty() ? problem_ : view_.unrest();
  for (const Replica& replica : r.replicas) {
    if (const auto* c = view_.find(replica.id); c && (!r.grace || c->stop_timeout < *r.grace))
      r.grace = c->stop_timeout;
  }
  if (const auto source = current_template(); !source.is_null()) {
    for (auto& trap : find_traps(source)) {
      if (trap.most_replicas != Trap::kNoLimit && (!r.bound || trap.most_replicas < r.bound->most))
        r.bound = ReplicaBound{trap.most_replicas, trap.what + "; " + trap.cure};
    }
  }
  auto news = view_.take_news();
  std::ranges::move(news_, std::back_inserter(news));
  news_.clear();

  record_.stopped_by_hand = r.stopped_by_hand;
  if (problem_.empty() && view_.unrest().empty()) {
    record_.replicas = count(r.replicas).current;
    record_.stopping = stopping_ids(view_);
  }
  save();

  bool changed = !news.empty();
  {
    const std::lock_guard lock(snapshot_mutex_);
    const auto same = [](const Replica& a, const Replica& b) {
      return a.id == b.id && a.state == b.state && a.container == b.container && a.note == b.note &&
             a.restarts == b.restarts;
    };
    changed |= r.problem != snapshot_.problem || r.stopped_by_hand != snapshot_.stopped_by_hand ||
               r.bound != snapshot_.bound || !std::ranges::equal(r.replicas, snapshot_.replicas, same);
    r.news = std::move(snapshot_.news);
    std::ranges::move(news, std::back_inserter(r.news));
    constexpr std::size_t kMostNews = 200;
    if (r.news.size() > kMostNews) r.news.erase(r.news.begin(), r.news.end() - kMostNews);
    snapshot_ = std::move(r);
    has_looked_ = true;
  }
  looked_.notify_all();
  if (changed && options_.on_change) options_.on_change();
}

void ComposeTarget::Worker::save() {
  if (record_ == saved_) return;
  saved_ = record_;  // a full disk is told once per change, not at every turn
  if (const auto r = save_record(record_file_, record_); !r) news_.push_back(r.error().message);
}

std::string ComposeTarget::Worker::name_of(const std::string& id) const {
  const auto* c = view_.find(id);
  return c && !c->name.empty() ? c->name : id.substr(0, 12);
}

}  // namespace docktor
