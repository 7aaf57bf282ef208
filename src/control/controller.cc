#include "control/controller.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "control/telling.h"
#include "core/record.h"
#include "core/text.h"

namespace docktor {
namespace {

constexpr Duration kSaveEvery = std::chrono::seconds(60);    // each service, in turn: what was learned
constexpr auto kSaveIdleEvery = std::chrono::minutes(5);     // where nothing came and nobody worked since
constexpr auto kSavesApart = std::chrono::milliseconds(50);  // at least: thousands take longer
constexpr auto kCalendarLook = std::chrono::hours(1);        // at most: the clock on the wall may be set
constexpr auto kOutcomeWait = std::chrono::seconds(5);       // then the record goes out as "pending"
// Events and due services of one step: whoever asks is answered in between, also where thousands are due.
constexpr std::size_t kMostAtOnce = 256;
constexpr std::size_t kMostWaiting = 65'536;

// The same moment or a little later (a twentieth of the interval, 50 ms at most), on a grid that all with this interval
// share: a hundred services are then due at some twenty moments of a second, and what is asked and answered goes
// together. A moment on the grid stays there, interval after interval.
Time together(Time t, Duration interval) {
  constexpr Duration kApart = std::chrono::milliseconds(50);
  constexpr Duration::rep kLeast = 20;
  if (interval <= Duration::zero() || interval > std::chrono::hours(1)) return t;
  const Duration::rep whole = interval.count(),
                      slots = std::max(kLeast, (whole + kApart.count() - 1) / kApart.count());
  const Duration::rep rest = t.time_since_epoch().count() % whole;
  const Duration::rep slot = (rest * slots + whole - 1) / whole;
  return t + Duration(slot * whole / slots - rest);
}

// Nothing where work is under way, or may be without being seen.
std::optional<Gist> gist_of(const Service& s, Time now) {
  const Observation seen = s.autoscaler.latest(now);
  const QueueSample& q = seen.queue;
  if (!seen.queue_at || seen.queue_stale || !seen.flow || q.num_pending > 0 ||
      q.num_ack_pending.value_or(1) > 0 || s.order || s.counts.ready != s.counts.current)
    return std::nullopt;
  return Gist{s.tally.arrivals, s.tally.settled, s.counts};
}

// Between two services.
Duration save_pause(std::size_t services) {
  const auto n = static_cast<Duration::rep>(std::max<std::size_t>(1, services));
  return std::max<Duration>(kSaveEvery / n, kSavesApart);
}

}  // namespace

Controller::Controller(Options options)
    : options_(std::move(options)),
      inbox_(std::make_shared<Inbox>(kMostWaiting)),
      records_(options_.journal, options_.log, options_.clock, options_.run_id),
      shares_(options_.look_at_host) {
  next_save_ = options_.clock.now() + kSaveEvery;
}

Controller::~Controller() { inbox_->close_and_drop(); }

Controller::Post Controller::post_to(const Service& s) {
  return [this, inbox = inbox_, name = s.spec.name, generation = s.generation](Event event) {
    inbox->push([this, name, generation, event = std::move(event)] {
      Service* s = find(name);
      if (s && s->generation == generation) event(*s);
    });
  };
}

Service* Controller::find(const std::string& name) {
  const auto it = services_.find(name);
  if (it == services_.end()) return nullptr;
  touch(*it->second);
  return it->second.get();
}

std::vector<std::string> Controller::names() const { return order_of_names_; }

std::function<void()> Controller::change_callback(const std::string& service) {
  // Coalesced: a target that changes a thousand times before the loop looks posts once.
  auto pending = std::make_shared<std::atomic<bool>>(false);
  return [inbox = inbox_, this, service, pending] {
    if (pending->exchange(true)) return;
    inbox->push([this, service, pending] {
      pending->store(false);
      if (Service* s = find(service)) refresh(*s);
    });
  };
}

void Controller::end(Service& s) {
  withdraw(s);
  if (s.order) close_order(s, "pending", "");
  if (s.scheduled) schedule_.erase({*s.scheduled, &s});
  std::erase(touched_, &s);
}

// "loaded 1 service: consumer", "loaded 4 services: 2 unchanged, 1 changed, 1 added"
static std::string loaded_text(const std::vector<ServiceSpec>& specs, int kept, int changed, int added,
                               int removed) {
  std::vector<std::string> parts;
  for (const auto& [n, what] :
       {std::pair{kept, "unchanged"}, {changed, "changed"}, {added, "added"}, {removed, "removed"}}) {
    if (n > 0) parts.push_back(fmt::format("{} {}", n, what));
  }
  constexpr std::size_t kMostNamed = 5;
  std::vector<std::string_view> names;
  for (const auto& spec : specs) names.push_back(spec.name);
  const bool first = added == static_cast<int>(specs.size()) && removed == 0;
  const std::string what = first && names.size() <= kMostNamed ? fmt::format("{}", fmt::join(names, ", "))
                                                               : fmt::format("{}", fmt::join(parts, ", "));
  return fmt::format("loaded {} service{}: {}", specs.size(), specs.size() == 1 ? "" : "s", what);
}

std::string Controller::apply(const std::vector<ServiceSpec>& specs,
                              const std::function<ServiceParts(const ServiceSpec&)>& make,
                              const std::function<bool(std::size_t)>& between) {
  int kept = 0, changed = 0, added = 0, removed = 0;
  std::set<std::string> names;
  for (const auto& spec : specs) names.insert(spec.name);
  for (auto it = services_.begin(); it != services_.end();) {
    if (names.contains(it->first)) {
      ++it;
      continue;
    }
    options_.log.info("[{}] no longer in the configuration; its replicas are left running", it->first);
    end(*it->second);
    static_cast<void>(save(*it->second));  // it warned
    it = services_.erase(it);
    ++removed;
  }
  order_of_names_.clear();
  shares_.clear();
  std::vector<std::string> failed;
  for (const auto& spec : specs) {
    nlohmann::json learned;
    StandingOverrides standing;
    Tally tally;
    if (auto it = services_.find(spec.name); it != services_.end()) {
      if (it->second->spec == spec) {
        order_of_names_.push_back(spec.name);
        shares_.add(*it->second, options_.clock.now());
        ++kept;
        continue;
      }
      end(*it->second);
      learned = it->second->autoscaler.save();
      standing = std::move(it->second->overrides);
      tally = it->second->tally;
      services_.erase(it);  // before its successor is made: both would hold the same replicas
      ++changed;
    } else {
      learned = options_.state.load(spec.name);
      if (learned.is_object() && learned.contains("overrides"))
        standing = StandingOverrides::restore(learned["overrides"], options_.clock);
      // What another daemon left is younger than what this one had on its disk.
      if (lease_) {
        if (auto left = lease_->left(spec.name).learned; left.is_object()) learned = std::move(left);
      }
      ++added;
    }
    std::unique_ptr<Service> service;
    try {
      service = std::make_unique<Service>(make(spec));
    } catch (const std::exception& error) {  // no thread or descriptor is left
      options_.log.error("[{}] ⚠ it is not scaled: {}; `docktor daemon reload` tries again", spec.name,
                         error.what());
      failed.push_back(spec.name);
      continue;
    }
    service->autoscaler.restore(learned, options_.clock.now());
    service->overrides = std::move(standing);
    service->overrides.tell_by(records_.by_wall());
    service->tally = tally;
    Service& s = *(services_[spec.name] = std::move(service));
    order_of_names_.push_back(spec.name);
    shares_.add(s, options_.clock.now());
    if (lease_) take_part(s);
    start(s);
    if (between && !between(order_of_names_.size())) break;
  }
  if (options_.board) options_.board->keep(order_of_names_);
  next_save_ = std::min(next_save_, options_.clock.now() + save_pause(services_.size()));
  return fmt::format("{}{}", loaded_text(specs, kept, changed, added, removed),
                     failed.empty() ? ""
                                    : fmt::format("; not scaled for want of threads or descriptors: {}",
                                                  fmt::join(failed, ", ")));
}

void Controller::answer_events() {
  if (options_.board) options_.board->turned();
  for (auto& event : inbox_->take({})) event();
}

void Controller::touch(Service& s) {
  if (std::exchange(s.touched, true)) return;
  touched_.push_back(&s);
}

void Controller::reschedule() {
  if (options_.board) publish_touched();
  for (Service* s : touched_) {
    s->touched = false;
    if (lease_ && s->proposals.take_changed()) leave(*s);
    const Time next = due(*s);
    if (s->scheduled == next) continue;
    if (s->scheduled) schedule_.erase({*s->scheduled, s});
    s->scheduled = next;
    schedule_.emplace(next, s);
  }
  touched_.clear();
}

Instant Controller::instant() const {
  const Time now = options_.clock.now();
  return {now, records_.by_wall(), not_leading(now)};
}

void Controller::publish_touched() {
  const Instant at = instant();
  for (Service* s : touched_) {
    if (s->tally.last_current >= 0 && s->tally.last_current != s->counts.current)
      s->tally.last_change = at.now;
    s->tally.last_current = s->counts.current;
    options_.board->publish(figures_of(*s, at));
  }
  figures_.journal_records = records_.written();
  figures_.journal_failures = records_.failed();
  if (lease_) figures_.lease = lease_->standing();
  options_.board->publish(figures_);
}

void Controller::tell(const Service& s, const nlohmann::ordered_json& record,
                      const std::string& outcome) const {
  if (options_.board && outcome != "pending")
    options_.board->note(note_of(s, record, outcome, options_.clock.now()));
}

void Controller::start(Service& s) {
  const Time now = options_.clock.now();
  s.generation = next_generation_++;
  s.next_sample = now;
  s.next_check = now;  // bounds are mended, and a backlog that waits is seen, at once
  refresh(s);
  records_.start(s);
}

void Controller::refresh(Service& s) {
  look(s);
  watch(s);
}

void Controller::look(Service& s) {
  touch(s);
  auto report = s.target->report();
  for (const auto& text : report.news) {
    options_.log.info("[{}] {}", s.spec.name, text);
    records_.event(s, "news", text);
  }
  const bool stop_is_news = report.stopped_by_hand != s.report.stopped_by_hand;
  tell_problem(options_.log, s, report.problem, options_.clock.now());
  tell_killed(options_.log, s, report.killed);
  s.tally.replicas_told(s.report.replicas, report.replicas);
  s.report = std::move(report);
  s.counts = count(s.report);
  if (!all_end_at_once(s.report.replicas))
    s.idle_since.reset();
  else if (!s.idle_since)
    s.idle_since = options_.clock.now();
  if (s.order) {
    // What was asked for counts, and what is being stopped does not, though the target may not show it yet.
    s.counts.current = s.order->target;
    s.counts.ready = std::min(s.counts.ready, s.counts.current);
    s.counts.failing = std::min(s.counts.failing, s.counts.current);
    s.counts.not_placed = std::min(s.counts.not_placed, s.counts.current);
  }
  if (lease_ && (stop_is_news || zero_is_no_stop(s, ending_) != s.zero_left)) leave(s);
  s.wanted = s.counts.current;
  if (s.where) s.place = s.where();
  look_at_calendar(s);
  shares_.renew(s, options_.clock.now());
}

void Controller::look_at_calendar(Service& s) {
  if (s.calendar.empty()) return;
  const auto& found = s.calendar.at(options_.clock.wall());
  if (s.by_calendar == found) return;
  s.by_calendar = found;
  const Bounds b = found ? found->bounds : Bounds{s.spec.limits.min_replicas, s.spec.limits.max_replicas};
  const auto text =
      fmt::format("bounds {}..{} ({})", b.min, b.max, found ? found->why : "no entry of schedule counts now");
  options_.log.info("[{}] {}", s.spec.name, text);
  records_.event(s, "schedule", text);
  s.next_check = std::min(s.next_check, options_.clock.now());
}

Time Controller::due(const Service& s) const {
  Time t = std::min(s.next_sample, s.next_check);
  if (s.evaluate_by) t = std::min(t, *s.evaluate_by);
  if (s.read_again) t = std::min(t, *s.read_again);
  if (s.awaited) t = std::min(t, s.awaited->until);
  if (s.order && !s.order->recorded) t = std::min(t, s.order->at + kOutcomeWait);
  if (const auto end = s.overrides.next_end()) t = std::min(t, *end);
  if (!s.calendar.empty()) {
    const Duration left = s.calendar.until() - options_.clock.wall();
    t = std::min(t, options_.clock.now() + std::clamp<Duration>(left, Duration::zero(), kCalendarLook));
  }
  return t;
}

void Controller::do_due(Service& s, Time now) {
  if (s.order && !s.order->recorded && now >= s.order->at + kOutcomeWait) {
    s.order->recorded = true;
    s.order->record["outcome"] = "pending";
    s.order->record["duration"] = to_seconds(now - s.order->at);
    records_.write(s.order->record);
  }
  if (const auto end = s.overrides.next_end(); end && now >= *end) end_overrides(s, now);
  look_at_calendar(s);
  if (s.awaited && now >= s.awaited->until) {
    settle_without(s,
                   fmt::format("no answer within {}", short_duration(s.awaited->until - s.awaited->asked)));
  }
  if (s.read_again && now >= *s.read_again) {
    s.read_again.reset();
    if (!s.queue_in_flight) read_queue(s);
  }
  const bool check = now >= s.next_check;
  if (check) figures_.delays.put(kDelayBuckets, to_seconds(now - s.next_check));
  if (now >= s.next_sample || check) {
    Duration interval = s.spec.sample_interval;
    if (s.counts.current == 0) interval = std::min<Duration>(interval, std::chrono::seconds(1));
    // A check rests on a sample that has just come: two a moment apart tell no rate.
    const bool fresh = now < s.next_sample && s.sampled && now - *s.sampled < interval / 4;
    // An interval that was missed (suspend, a stopped machine) is not made up for.
    s.next_sample = together(std::max(s.next_sample + interval, now + interval / 2), interval);
    s.false_wakes = 0;
    refresh(s);
    if (s.queue && !s.queue_in_flight && !fresh) read_queue(s);
    if (s.usage && !s.usage_in_flight && s.spec.uses_cpu()) read_usage(s);
    read_host_usage(s, now);
  }
  if (check) {
    s.next_check = together(std::max(s.next_check + s.spec.check_interval, now + s.spec.check_interval / 2),
                            s.spec.check_interval);
    // The evaluation rests on a sample taken for it, and does without one that is late.
    s.evaluate_by = now + std::min<Duration>(s.spec.check_interval / 2, std::chrono::seconds(1));
  }
  if (s.evaluate_by && (now >= *s.evaluate_by || (!s.queue_in_flight && !s.usage_in_flight))) evaluate(s);
}

void Controller::look_at_wall(Time now) {
  const auto jump = records_.look_at_wall(now);
  if (!jump) return;
  options_.log.info(
      "this machine's clock was set {} by {}: times are told by it from now on; what was asked for a while "
      "ends after that while",
      *jump > Duration::zero() ? "ahead" : "back",
      spoken_duration(std::chrono::round<std::chrono::seconds>(*jump < Duration::zero() ? -*jump : *jump)));
  for (const auto& [name, s] : services_) {
    s->overrides.tell_by(records_.by_wall());
    touch(*s);
  }
}

Time Controller::step(std::chrono::nanoseconds timeout) {
  for (auto& event : inbox_->take(std::chrono::steady_clock::now() + timeout, kMostAtOnce)) event();
  const Time now = options_.clock.now();
  if (options_.board) options_.board->turned();
  look_at_wall(now);
  look_at_lease(now);
  reschedule();
  std::vector<Service*> due_now;
  for (auto it = schedule_.begin(); it != schedule_.end() && it->first <= now && due_now.size() < kMostAtOnce;
       ++it)
    due_now.push_back(it->second);
  for (Service* s : due_now) {
    touch(*s);
    do_due(*s, now);
  }
  reschedule();
  if (now >= next_save_ && !order_of_names_.empty()) save_next(now);
  return schedule_.empty() ? next_save_ : std::min(next_save_, schedule_.begin()->first);
}

void Controller::run(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [inbox = inbox_] { inbox->push([] {}); });
  Time next = options_.clock.now();
  while (!stop.stop_requested()) {
    const auto wait = next - options_.clock.now();
    next = step(std::max(Duration::zero(), wait));
  }
  for (const auto& [name, s] : services_) {
    withdraw(*s);
    if (s->order) close_order(*s, "pending", "");
  }
  save();
}

void Controller::save() {
  for (const auto& [name, s] : services_) static_cast<void>(save(*s));  // it warned
}

void Controller::save_next(Time now) {
  next_save_ = now + save_pause(services_.size());
  to_save_ = (to_save_ + 1) % order_of_names_.size();
  Service& s = *services_.at(order_of_names_[to_save_]);
  const bool nothing_new = s.saved_gist && s.saved_gist == gist_of(s, now);
  if (nothing_new && now - *s.saved < kSaveIdleEvery && options_.state.trouble().empty()) return;
  static_cast<void>(save(s, StateStore::Matter::kLearned));  // it warned
}

Result<void> Controller::save(Service& s, StateStore::Matter matter) {
  auto state = s.autoscaler.save();
  s.saved = options_.clock.now();
  s.saved_gist = options_.board ? gist_of(s, *s.saved) : std::nullopt;  // without one nobody counts
  if (lease_) leave(s, state);
  if (!s.overrides.empty()) state["overrides"] = s.overrides.save(options_.clock);
  auto r = options_.state.save(s.spec.name, state, matter);
  if (!r) ++figures_.save_failures;
  if (!r) options_.log.warn("[{}] ⚠ state not saved: {}", s.spec.name, r.error().message);
  return r;
}

void Controller::hold_orders(bool on) {
  if (std::exchange(hold_orders_, on) == on || on) return;
  for (const auto& [name, s] : services_) {
    s->next_check = std::min(s->next_check, options_.clock.now());
    touch(*s);
  }
}

void Controller::stop_replicas() {
  if (std::exchange(ending_, true)) return;
  for (const auto& [name, s] : services_) {
    withdraw(*s);
    if (s->order) close_order(*s, "superseded", "");
    if (s->dry_run) continue;
    options_.log.info("[{}] stopping all replicas, as asked", name);
    records_.event(*s, "stop", "all replicas are stopped, as asked by `docktor daemon stop --replicas`");
    leave(*s);
    s->target->scale({0, s->busyness}, [](const Result<std::string>&) {});
  }
}

std::size_t Controller::replicas_left() {
  std::size_t n = 0;
  for (const auto& [name, s] : services_) {
    refresh(*s);
    if (!s->dry_run) n += s->report.replicas.size();
  }
  return n;
}

}  // namespace docktor
