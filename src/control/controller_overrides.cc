// The controller's part in overrides and approval: what people and programs say beside the policies.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "control/controller.h"
#include "core/record.h"
#include "core/text.h"

namespace docktor {
namespace {

using nlohmann::ordered_json;

std::string change_text(const Proposal& p) { return fmt::format("{} {} → {}", p.service, p.from, p.to); }

ordered_json as_shown(const Proposal& p, Time now, Duration by_wall) {
  ordered_json j = {{"id", p.id},
                    {"service", p.service},
                    {"current_replicas", p.from},
                    {"target_replicas", p.to},
                    {"reason", p.reason},
                    {"by", p.by},
                    {"ts", utc_seconds(p.at + by_wall)},
                    {"age", to_seconds(now - p.at)}};
  if (p.until) j["ends_in"] = to_seconds(*p.until - now);
  return j;
}

void put_end(ordered_json& j, const std::optional<Time>& until) {
  if (until) j["until"] = to_seconds(*until);
}

}  // namespace

// Where another docktor acts, whatever people say here would come to nothing.
Result<void> Controller::may_act() const {
  const auto why = not_leading(options_.clock.now());
  if (why.empty()) return {};
  return fail(ErrorCode::kConflict, fmt::format("{}; ask the docktor that leads", why));
}

Result<Service*> Controller::known(const std::string& service) {
  if (const auto may = may_act(); !may) return tl::unexpected(may.error());
  if (Service* s = find(service)) return s;
  const std::vector<std::string_view> names(order_of_names_.begin(), order_of_names_.end());
  const auto near = did_you_mean(service, names);
  return fail(ErrorCode::kNotFound, fmt::format("no service '{}' in this configuration; it has: {}{}",
                                                service, fmt::join(order_of_names_, ", "),
                                                near ? fmt::format(" (did you mean {}?)", *near) : ""));
}

Overrides Controller::overrides_of(Service& s, Time now) {
  end_overrides(s, now);
  Overrides o;
  o.stopped_by_hand = s.report.stopped_by_hand;
  o.problem = s.report.problem;
  o.target_hold = s.report.hold;
  o.not_placed = not_placed_text(s.report.replicas);
  if (o.problem.empty() && s.retry_at && now < *s.retry_at) {
    // The time of the next try, not what is left until then: the reason stays the same text while it holds.
    o.problem = fmt::format("{}; next try at {}", s.order_error, clock_text(records_.shown(*s.retry_at)));
  }
  if (s.queue) o.unfit_for_zero = s.queue->unfit_for_zero();
  if (s.queue_trouble)
    o.queue_silent =
        fmt::format("the queue has not answered since {}: no scale-down on what it showed before",
                    clock_text(records_.shown(s.queue_trouble->since)));
  o.part_waits = s.part_waits;
  o.scheduled = s.by_calendar;
  o.room = shares_.room_of(s);
  shares_.bound_by_host(s, o, now);
  s.overrides.add_to(o);
  o.approval = options_.manual;
  return o;
}

void Controller::end_overrides(Service& s, Time now) {
  const auto ended = s.overrides.expire(now);
  if (ended.empty()) return;
  for (const auto& text : ended) {
    options_.log.info("[{}] over: {}", s.spec.name, text);
    records_.event(s, "override_ended", text);
  }
  static_cast<void>(save(s));  // it warned
  s.next_check = std::min(s.next_check, now);
}

void Controller::acted(Service& s, const char* what, ordered_json details, const std::string& text,
                       const std::string& by) {
  options_.log.info("[{}] {}: {}", s.spec.name, what, text);
  auto r = records_.head(what, s.spec.name);
  r["by"] = by;
  r.update(details);
  r["text"] = text;
  records_.write(r);
}

// Whether it came to the disk is asked by whoever has the time to wait for that (StateStore::on_disk).
std::string Controller::kept(Service& s, std::string text) {
  static_cast<void>(save(s));  // it warned
  return text;
}

Result<std::string> Controller::resume(const std::string& service, const std::string& by) {
  const auto found = known(service);
  if (!found) return tl::unexpected(found.error());
  Service& s = **found;
  refresh(s);
  std::string was = s.report.stopped_by_hand;
  if (s.overrides.hold) was += (was.empty() ? "" : ", ") + s.overrides.hold->text();
  s.overrides.hold.reset();
  s.target->resume();
  s.retry_at.reset();
  acted(s, "resume", ordered_json::object(),
        was.empty() ? "asked to resume; it was not stopped" : "resumed; it was " + was, by);
  refresh(s);
  evaluate(s);
  return kept(s, was.empty() ? fmt::format("{} was not stopped; nothing to resume", service)
                             : fmt::format("{} resumed: the policy decides again", service));
}

Result<std::string> Controller::pause(const std::string& service, std::optional<Duration> length,
                                      const std::string& reason, const std::string& by) {
  const auto found = known(service);
  if (!found) return tl::unexpected(found.error());
  Service& s = **found;
  const Time now = options_.clock.now();
  StandingOverrides::Hold hold{{}, by, reason, now, {}, records_.by_wall()};
  if (length) hold.until = now + *length;
  ordered_json details = ordered_json::object();
  put_end(details, hold.until);
  const std::string text = hold.text();
  s.overrides.hold = std::move(hold);
  acted(s, "pause", std::move(details), text, by);
  refresh(s);
  evaluate(s);
  return kept(s, fmt::format("{} is {}{}", service, text,
                             length ? "" : fmt::format("; `docktor resume {}` ends that", service)));
}

Result<std::string> Controller::scale(const std::string& service, int replicas,
                                      std::optional<Duration> length, const std::string& reason,
                                      const std::string& by) {
  const auto found = known(service);
  if (!found) return tl::unexpected(found.error());
  Service& s = **found;
  refresh(s);
  if (!s.report.stopped_by_hand.empty()) {
    return fail(ErrorCode::kConflict, fmt::format("{} is left alone ({}); `docktor resume {}` first", service,
                                                  s.report.stopped_by_hand, service));
  }
  const Bounds b = s.bounds();
  if (replicas < b.min || replicas > b.max) {
    return fail(ErrorCode::kInvalid,
                fmt::format("{} replicas lie outside the bounds of {}, {}..{}; `docktor set-bounds` "
                            "changes those",
                            replicas, service, b.min, b.max));
  }
  if (replicas == 0 && s.queue) {
    if (const auto why = s.queue->unfit_for_zero(); !why.empty())
      return fail(ErrorCode::kInvalid, fmt::format("{} cannot go to zero: {}", service, why));
  }
  const Time now = options_.clock.now();
  StandingOverrides::Hold hold{replicas, by, reason, now, {}, records_.by_wall()};
  if (length) hold.until = now + *length;
  ordered_json details = {{"replicas", replicas}};
  put_end(details, hold.until);
  const std::string text = hold.text();
  s.overrides.hold = std::move(hold);
  s.target->resume();  // what the target waits for by itself is over, too
  s.retry_at.reset();
  acted(s, "scale", std::move(details), text, by);
  evaluate(s);
  return kept(s, fmt::format("{} is {}{}", service, text,
                             length ? "" : fmt::format("; `docktor resume {}` ends that", service)));
}

Result<std::string> Controller::set_bounds(const std::string& service, Bounds bounds,
                                           std::optional<Duration> length, const std::string& by) {
  const auto found = known(service);
  if (!found) return tl::unexpected(found.error());
  Service& s = **found;
  if (bounds.min < 0 || bounds.max < 1 || bounds.min > bounds.max) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("bounds {}..{} are none; give MIN of 0 or more and MAX of at least 1 and at least MIN",
                    bounds.min, bounds.max));
  }
  if (bounds.min == 0 && !s.queue)
    return fail(
        ErrorCode::kInvalid,
        fmt::format("{} has no queue, which could wake it from zero; give MIN of 1 or more", service));
  const Time now = options_.clock.now();
  StandingOverrides::OtherBounds other{bounds, by, now, {}, records_.by_wall()};
  if (length) other.until = now + *length;
  ordered_json details = {{"min_replicas", bounds.min}, {"max_replicas", bounds.max}};
  put_end(details, other.until);
  std::string text = other.text();
  s.overrides.bounds = std::move(other);
  acted(s, "set_bounds", std::move(details), text, by);
  refresh(s);
  evaluate(s);
  return kept(s,
              fmt::format("{}: {}{}", service, text,
                          length ? "" : fmt::format("; `docktor set-bounds {} --reset` ends that", service)));
}

Result<std::string> Controller::reset_bounds(const std::string& service, const std::string& by) {
  const auto found = known(service);
  if (!found) return tl::unexpected(found.error());
  Service& s = **found;
  const bool any = s.overrides.bounds.has_value();
  s.overrides.bounds.reset();
  const Bounds b = s.bounds();
  const auto text = fmt::format("{}: bounds {}..{}, as the configuration has them{}", service, b.min, b.max,
                                any ? " again" : "");
  acted(s, "reset_bounds", {{"min_replicas", b.min}, {"max_replicas", b.max}}, text, by);
  refresh(s);
  evaluate(s);
  return kept(s, text);
}

void Controller::ended(Service& s, const Proposals::Ended& proposals) {
  for (const auto& [p, why] : proposals) {
    options_.log.info("[{}] proposal {} ({} → {}) ended: {}", s.spec.name, p.id, p.from, p.to, why);
    auto r = records_.head("proposal_ended", s.spec.name);
    r["id"] = p.id;
    r["text"] = why;
    records_.write(r);
  }
}

std::string Controller::propose(Service& s, const Decision& d, const std::string& id) {
  switch (s.proposals.standing(d)) {
    case Proposals::Standing::kOpen:
      return "waiting";
    case Proposals::Standing::kRejected:
      return "rejected";
    case Proposals::Standing::kNew:
      break;
  }
  s.proposals.open({id, s.spec.name, d.current, d.target, d.reason, "the policy", d.at, {}});
  options_.log.info("[{}] Proposal {}: {} → {} replicas; `docktor approve {}` carries it out", s.spec.name,
                    id, d.current, d.target, id);
  return "proposed";
}

Result<std::string> Controller::propose(const std::string& service, int replicas, const std::string& reason,
                                        const std::string& by) {
  const auto found = known(service);
  if (!found) return tl::unexpected(found.error());
  Service& s = **found;
  refresh(s);
  const Bounds b = s.bounds();
  if (replicas < b.min || replicas > b.max) {
    return fail(ErrorCode::kInvalid, fmt::format("{} replicas lie outside the bounds of {}, {}..{}", replicas,
                                                 service, b.min, b.max));
  }
  if (replicas == s.counts.current)
    return fail(ErrorCode::kInvalid,
                fmt::format("{} has {} replicas already; there is nothing to propose", service, replicas));
  const Time now = options_.clock.now();
  const std::string why = reason.empty() ? "no reason given" : reason;
  if (const auto& open = s.proposals.asked(); open && open->from == s.counts.current &&
                                              open->to == replicas && open->by == by && open->reason == why) {
    return fmt::format("proposal {}: {}; it waits already for `docktor approve {}`", open->id,
                       change_text(*open), open->id);
  }
  Proposal p{fmt::format("{}-{}", options_.run_id, next_decision_++),
             service,
             s.counts.current,
             replicas,
             why,
             by,
             now,
             now + kAskedWaits};
  acted(s, "propose",
        {{"id", p.id}, {"current_replicas", p.from}, {"target_replicas", p.to}, {"reason", p.reason}},
        fmt::format("proposal {}: {}", p.id, change_text(p)), by);
  auto text = fmt::format("proposal {}: {}; it waits for `docktor approve {}` until {}", p.id, change_text(p),
                          p.id, utc_seconds(records_.shown(*p.until)));
  ended(s, s.proposals.ask(std::move(p)));
  return text;
}

Result<std::string> Controller::approve(const std::string& id, const std::string& by) {
  if (const auto may = may_act(); !may) return tl::unexpected(may.error());
  for (const auto& [name, service] : services_) {
    Service& s = *service;
    if (!s.proposals.find(id)) continue;
    refresh(s);
    // What was true when it was proposed must be true still: nobody approves what he has not seen.
    const auto refuse = [&](const std::string& why) {
      return fail(ErrorCode::kConflict, fmt::format("proposal {} cannot be carried out: {}", id, why));
    };
    if (ending_) return refuse("the daemon is stopping");
    if (!s.report.stopped_by_hand.empty()) return refuse(s.report.stopped_by_hand);
    if (!s.report.problem.empty()) return refuse(s.report.problem);
    if (s.overrides.hold) return refuse(s.overrides.hold->text());
    const Proposal p = *s.proposals.find(id);
    if (s.counts.current != p.from)
      return refuse(fmt::format("there are {} replicas now, not {}", s.counts.current, p.from));
    const Bounds b = s.bounds();
    if (p.to < b.min || p.to > b.max) return refuse(fmt::format("the bounds are {}..{} now", b.min, b.max));
    if (const auto room = shares_.room_of(s); room && p.to > p.from && p.to > room->most)
      return refuse(room->why);
    const Observation seen = s.autoscaler.latest(options_.clock.now());
    if (p.to < p.from && s.queue && seen.queue_stale)
      return refuse("the queue's last sample is stale; nothing is scaled down blindly");
    s.proposals.take(id);
    acted(s, "approve",
          {{"id", id}, {"current_replicas", p.from}, {"target_replicas", p.to}, {"reason", p.reason}},
          fmt::format("approved: {} ({})", change_text(p), p.reason), by);
    order(s, p.from, p.to,
          {{"id", id}, {"current_replicas", p.from}, {"target_replicas", p.to}, {"reason", p.reason}},
          s.report.version, true);
    return fmt::format("approved: {}", change_text(p));
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("no proposal '{}' is open; `docktor proposals` lists those that are", id));
}

Result<std::string> Controller::reject(const std::string& id, const std::string& reason,
                                       const std::string& by) {
  if (const auto may = may_act(); !may) return tl::unexpected(may.error());
  for (const auto& [name, service] : services_) {
    const auto p = service->proposals.reject(id, by, reason);
    if (!p) continue;
    touch(*service);
    ordered_json details = {{"id", id}, {"current_replicas", p->from}, {"target_replicas", p->to}};
    if (!reason.empty()) details["reason"] = reason;
    const auto text =
        fmt::format("rejected: {}{}", change_text(*p), reason.empty() ? "" : fmt::format(" ({})", reason));
    acted(*service, "reject", std::move(details), text, by);
    return text;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("no proposal '{}' is open; `docktor proposals` lists those that are", id));
}

ordered_json Controller::proposals(const std::string& service) {
  const Time now = options_.clock.now();
  std::vector<Proposal> all;
  for (const auto& [name, s] : services_) {
    if (!service.empty() && name != service) continue;
    for (auto& p : s->proposals.list()) all.push_back(std::move(p));
  }
  std::ranges::stable_sort(all, {}, &Proposal::at);
  auto list = ordered_json::array();
  for (const auto& p : all) list.push_back(as_shown(p, now, records_.by_wall()));
  return list;
}

}  // namespace docktor
