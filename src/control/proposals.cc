#include "control/proposals.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/said.h"

namespace docktor {
namespace {

// Whether a decision still wants what the proposal says, or more of it.
bool still_wanted(const Proposal& p, const Decision& d) {
  if (d.current != p.from) return false;
  return p.to > p.from ? d.target >= p.to : d.target <= p.to;
}

// No news is no change of mind; old news is.
bool waits_for_a_sample(const Decision& d) {
  return d.action == Action::kHold && !d.observation.queue_stale &&
         std::ranges::any_of(d.limits, [](const AppliedLimit& l) { return l.name == "freshness"; });
}

// As the docktor that acted before left it.

using Json = nlohmann::json;

Json left_proposal(const Proposal& p, Duration by_wall) {
  Json j = {{"id", p.id},         {"from", p.from}, {"to", p.to},
            {"reason", p.reason}, {"by", p.by},     {"at", to_seconds(p.at + by_wall)}};
  if (p.until) j["until"] = to_seconds(*p.until + by_wall);
  return j;
}

std::optional<Proposal> taken_up(const Json& all, const char* key, const std::string& service, Time now,
                                 Duration by_wall) {
  const auto it = all.find(key);
  if (it == all.end() || !it->is_object()) return std::nullopt;
  const auto from = said_count(*it, "from"), to = said_count(*it, "to");
  const auto at = said_instant(*it, "at"), until = said_instant(*it, "until");
  Proposal p{said_text(*it, "id"),
             service,
             from.value_or(0),
             to.value_or(0),
             said_text(*it, "reason"),
             said_text(*it, "by"),
             at ? std::min(now, *at - by_wall) : now,
             until ? std::optional(*until - by_wall) : std::nullopt};
  if (p.id.empty() || p.by.empty() || !from || !to || p.from == p.to) return std::nullopt;
  return p;
}

}  // namespace

Json Proposals::save(Duration by_wall) const {
  Json j = Json::object();
  if (policys_) j["policy"] = left_proposal(*policys_, by_wall);
  if (asked_) j["asked"] = left_proposal(*asked_, by_wall);
  if (rejected_) {
    j["rejected"] = left_proposal(*rejected_, by_wall);
    j["rejected_text"] = rejected_text_;
  }
  return j;
}

Proposals Proposals::restore(const Json& saved, const std::string& service, Time now, Duration by_wall,
                             Duration most) {
  Proposals out;
  if (!saved.is_object()) return out;
  out.policys_ = taken_up(saved, "policy", service, now, by_wall);
  if (out.policys_) out.policys_->until.reset();
  out.asked_ = taken_up(saved, "asked", service, now, by_wall);
  if (out.asked_) out.asked_->until = std::min(out.asked_->until.value_or(now), now + most);
  out.rejected_ = taken_up(saved, "rejected", service, now, by_wall);
  out.rejected_text_ = said_text(saved, "rejected_text");
  return out;
}

Proposals::Ended Proposals::review(const Decision& d, Bounds bounds, Time now) {
  Ended ended;
  if (asked_) {
    std::string why;
    if (d.current != asked_->from)
      why = fmt::format("there are {} replicas now", d.current);
    else if (asked_->until && *asked_->until <= now)
      why = "nobody answered in time";
    else if (asked_->to < bounds.min || asked_->to > bounds.max)
      why = fmt::format("the bounds are {}..{} now", bounds.min, bounds.max);
    if (!why.empty()) {
      ended.emplace_back(*asked_, why);
      asked_.reset();
      changed_ = true;
    }
  }
  if (waits_for_a_sample(d)) return ended;
  if (policys_ && !(d.needs_approval && still_wanted(*policys_, d))) {
    ended.emplace_back(*policys_, d.current != policys_->from
                                      ? fmt::format("there are {} replicas now", d.current)
                                      : "no longer wanted: " + d.reason);
    policys_.reset();
    changed_ = true;
  }
  // A rejection holds for what was seen, not for ever.
  if (rejected_ && !(d.needs_approval && still_wanted(*rejected_, d))) {
    rejected_.reset();
    changed_ = true;
  }
  return ended;
}

Proposals::Standing Proposals::standing(const Decision& d) const {
  if (policys_) return Standing::kOpen;
  const bool farther =
      rejected_ && (rejected_->to > rejected_->from ? d.target > rejected_->to : d.target < rejected_->to);
  return rejected_ && !farther ? Standing::kRejected : Standing::kNew;
}

void Proposals::open(Proposal p) {
  rejected_.reset();
  policys_ = std::move(p);
  changed_ = true;
}

Proposals::Ended Proposals::ask(Proposal p) {
  Ended ended;
  if (asked_) ended.emplace_back(*asked_, "another one took its place: " + p.id);
  asked_ = std::move(p);
  changed_ = true;
  return ended;
}

const Proposal* Proposals::find(const std::string& id) const {
  for (const auto* p : {&policys_, &asked_}) {
    if (*p && (*p)->id == id) return &**p;
  }
  return nullptr;
}

std::optional<Proposal> Proposals::take(const std::string& id) {
  for (auto* p : {&policys_, &asked_}) {
    if (!*p || (*p)->id != id) continue;
    changed_ = true;
    return std::exchange(*p, std::nullopt);
  }
  return std::nullopt;
}

std::optional<Proposal> Proposals::reject(const std::string& id, const std::string& by,
                                          const std::string& reason) {
  const bool policys = policys_ && policys_->id == id;
  auto p = take(id);
  if (p && policys) {
    rejected_ = *p;
    rejected_text_ =
        fmt::format("{} → {} was rejected by {}{}", p->from, p->to, by, reason.empty() ? "" : ": " + reason);
  }
  return p;
}

Proposals::Ended Proposals::drop(const std::string& why) {
  Ended ended;
  for (auto& p : list()) ended.emplace_back(std::move(p), why);
  *this = {};
  changed_ = true;
  return ended;
}

std::vector<Proposal> Proposals::list() const {
  std::vector<Proposal> all;
  for (const auto* p : {&policys_, &asked_}) {
    if (*p) all.push_back(**p);
  }
  return all;
}

}  // namespace docktor
