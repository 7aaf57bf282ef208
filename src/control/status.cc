// The controller's status: what each service is, and what was decided last.
#include <fmt/format.h>

#include "control/controller.h"
#include "control/telling.h"
#include "core/intervals.h"
#include "core/record.h"
#include "core/text.h"

namespace docktor {

namespace {

void notes_of_sources(const Service& s, nlohmann::ordered_json& notes) {
  if (s.queue && !s.queue_trouble && !s.queue_note.empty()) notes.push_back(s.queue_note);
  if (s.usage_trouble) notes.push_back("CPU is not known: " + s.usage_trouble->error.message);
}

// The counts go into the status at once, the list of replicas later.
nlohmann::ordered_json show_replicas(const Service& s, nlohmann::ordered_json& j) {
  int starting = 0, stopping = 0;
  auto replicas = nlohmann::ordered_json::array();
  for (const auto& r : s.report.replicas) {
    starting += r.state == ReplicaState::kStarting;
    stopping += r.state == ReplicaState::kStopping;
    nlohmann::ordered_json one = {{"id", r.id}, {"state", to_string(r.state)}, {"restarts", r.restarts}};
    if (r.pid > 0) one["pid"] = r.pid;
    if (!r.container.empty()) one["container"] = r.container;
    if (!r.node.empty()) one["node"] = r.node;
    if (!r.note.empty()) one["note"] = r.note;
    if (const auto it = s.busyness.find(r.id); it != s.busyness.end()) one["cpu"] = it->second;
    replicas.push_back(std::move(one));
  }
  j["ready"] = s.counts.ready;
  j["starting"] = starting;
  j["failing"] = s.counts.failing;
  if (s.counts.not_placed) j["not_placed"] = s.counts.not_placed;
  j["stopping"] = stopping;
  return replicas;
}

void show_schedule(const Service& s, Time wall, nlohmann::ordered_json& j) {
  if (s.calendar.empty()) return;
  auto& schedule = j["schedule"] = nlohmann::ordered_json::object();
  if (s.by_calendar) schedule["in_effect"] = s.by_calendar->why;
  if (const auto next = s.calendar.next(wall))
    schedule["next"] = {{"at", to_seconds(next->at)},
                        {"shown", next->shown},
                        {"min_replicas", next->bounds.min},
                        {"max_replicas", next->bounds.max}};
}

void show_observation(const Service& s, const Observation& o, Time now, nlohmann::ordered_json& j) {
  auto& seen = j["observation"] = nlohmann::ordered_json::object();
  for (const auto& m : kMetrics) {
    if (const auto v = o.get(m.metric)) seen[std::string(m.name)] = *v;
  }
  for (const auto& part : o.parts) {
    for (const auto& m : kMetrics) {
      if (const auto v = part.seen.get(m.metric); v && is_queue(m.metric))
        seen[name_of(part.name, m.metric)] = *v;
    }
  }
  if (o.queue_at || o.usage_at) {
    j["observation_age"] =
        to_seconds(now - std::max(o.queue_at.value_or(Time{}), o.usage_at.value_or(Time{})));
    j["stale"] = s.queue ? o.queue_stale : o.usage_stale;
  }
}

void show_decision(const Service& s, Time now, Time shown, nlohmann::ordered_json& j) {
  if (!s.last_decision) return;
  const Decision& d = *s.last_decision;
  j["last_decision"] = {{"ts", utc_seconds(shown)},
                        {"age", to_seconds(now - d.at)},
                        {"id", s.last_id},
                        {"decision", to_string(d.action)},
                        {"current_replicas", d.current},
                        {"target_replicas", d.target},
                        {"reason", d.reason},
                        {"outcome", s.last_outcome}};
  if (!d.recommendation.numbers.empty()) {
    auto& numbers = j["learned"] = nlohmann::ordered_json::object();
    for (const auto& [key, v] : d.recommendation.numbers) numbers[key] = v;
  }
}

void show_conditions(const Holdings& all, nlohmann::ordered_json& j) {
  if (all.empty()) return;
  auto& list = j["conditions"] = nlohmann::ordered_json::array();
  for (const auto& h : all) {
    const auto& c = info(h.condition);
    list.push_back({{"condition", c.name}, {"words", c.words}, {"trouble", c.trouble}});
    if (!h.detail.empty()) list.back()["detail"] = h.detail;
  }
}

nlohmann::ordered_json notes_of(const Service& s, const Observation& o, std::string bound) {
  auto notes = nlohmann::ordered_json::array();
  if (!bound.empty()) notes.push_back(std::move(bound));
  if (s.queue && o.queue_at && !o.queue_stale && !o.queue.paused.empty()) notes.push_back(o.queue.paused);
  if (const auto length = o.rebalances.length; length > Duration::zero())
    notes.push_back(
        fmt::format("the queue's consumers stand still for about {} after each change of the replicas (a "
                    "rebalance): none is "
                    "stopped within {} of a change",
                    short_duration(length), short_duration(kRebalancesBeforeFewer * length)));
  for (const auto& part : o.parts) {
    const auto& paused = part.seen.queue.paused;
    if (!paused.empty() && o.queue.paused.empty() && !o.queue_stale)
      notes.push_back(fmt::format("{}: {}; what waits there does not count", part.name, paused));
  }
  if (s.queue && s.bounds().min == 0) {
    if (const auto why = s.queue->unfit_for_zero(); !why.empty())
      notes.push_back("not scaled to zero: " + why);
  }
  if (auto slow = slow_checks(s.spec); !slow.empty())
    notes.push_back(fmt::format("{}; {}", slow, quicker_checks(s.spec)));
  return notes;
}

}  // namespace

nlohmann::ordered_json Controller::status(const std::string& service) {
  const Instant at = instant();
  const Time now = at.now;
  auto list = nlohmann::ordered_json::array();
  for (const auto& name : order_of_names_) {
    if (!service.empty() && service != name) continue;
    Service& s = *services_.at(name);
    refresh(s);
    nlohmann::ordered_json j;
    j["service"] = name;
    auto replicas = show_replicas(s, j);
    j["wanted"] = s.wanted;
    j["min_replicas"] = s.bounds().min;
    j["max_replicas"] = s.bounds().max;
    j["scale_up_by"] = s.spec.limits.scale_up_by;
    j["scale_down_by"] = s.spec.limits.scale_down_by;
    if (s.dry_run) j["dry_run"] = true;
    show_schedule(s, options_.clock.wall(), j);
    if (!s.overrides.empty()) j["overrides"] = s.overrides.shown(now);
    if (auto waiting = proposals(name); !waiting.empty()) j["proposals"] = std::move(waiting);
    j["replicas"] = std::move(replicas);
    if (s.queue) j["queue"] = s.queue_shown ? s.queue_shown() : s.spec.queue->shown;
    const Observation o = s.autoscaler.latest(now);
    show_observation(s, o, now, j);
    show_decision(s, now, s.last_decision ? records_.shown(s.last_decision->at) : Time{}, j);
    show_conditions(holdings_of(s, at), j);
    j["evaluations"] = s.evaluations;
    j["next_check_in"] = to_seconds(std::max(Duration::zero(), s.next_check - now));
    auto notes = notes_of(s, o, bound_text(s));
    notes_of_sources(s, notes);
    if (!notes.empty()) j["notes"] = std::move(notes);
    if (const auto why = why_nothing(s, at); !why.empty()) j["why_nothing_happens"] = why;
    list.push_back(std::move(j));
  }
  return list;
}

std::vector<std::string> Controller::not_ready() const {
  std::vector<std::string> out;
  for (const auto& [name, s] : services_) {
    if (s->queue_trouble)
      out.push_back(fmt::format("{}: {}", name, s->queue_trouble->error.message));
    else if (s->queue && !s->first_sample)
      out.push_back(fmt::format("{}: no answer from the queue yet", name));
    if (!s->report.problem.empty()) out.push_back(fmt::format("{}: {}", name, s->report.problem));
  }
  return out;
}

std::vector<std::string> Controller::restrictions() const {
  std::vector<std::string> out;
  for (const auto& [name, s] : services_) {
    if (const auto text = bound_text(*s); !text.empty()) out.push_back(fmt::format("{}: {}", name, text));
    for (const auto& text : s->overrides.texts())
      out.push_back(fmt::format("{}: {}; `docktor resume {}` ends that", name, text, name));
  }
  return out;
}

}  // namespace docktor
