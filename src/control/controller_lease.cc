// Several daemons that watch the same services: one leads and acts, the others sample, learn and decide, and carry nothing out. What
// passes from one to the next.
#include <fmt/format.h>

#include "control/controller.h"
#include "core/text.h"

namespace docktor {

void Controller::share(Lease* lease) {
  lease_ = lease;
  leads_ = !lease;
}

// Steady while it holds, so that a reason stays the same text.
std::string Controller::not_leading(Time now) const {
  if (leads(now)) return {};
  const auto standing = lease_->standing();
  if (!standing.leader.empty() && !standing.leads)
    return fmt::format("{} leads, and this docktor follows", standing.leader);
  return standing.trouble.empty() ? "no docktor leads yet"
                                  : fmt::format("no docktor leads: {}", standing.trouble);
}

void Controller::look_at_lease(Time now) {
  if (!lease_ || lease_->term(now).has_value() == leads_) return;
  leads_ = !leads_;
  const auto standing = lease_->standing();
  const auto text =
      leads_ ? fmt::format("this docktor leads from now on (epoch {})", standing.epoch) : not_leading(now);
  if (leads_)
    options_.log.info("{}", text);
  else
    options_.log.warn("⚠ {}", text);
  for (const auto& [name, service] : services_) {
    Service& s = *service;
    event(s, leads_ ? "leads" : "follows", text);
    if (leads_) {
      take_over(s);
    } else {
      withdraw(s);
      ended(s, s.proposals.drop(text));
      if (auto* led = dynamic_cast<Led*>(s.target.get())) led->follow();
    }
    touch(s);
  }
}

// What people said is as it was left, also where that is nothing; and the target knows whose doing the rest is.
void Controller::take_part(Service& s) {
  const auto left = lease_->left(s.spec.name);
  std::string stopped;
  if (left.said.is_object()) {
    const auto at = left.said.find("overrides");
    s.overrides =
        at == left.said.end() ? StandingOverrides{} : StandingOverrides::restore(*at, options_.clock);
    s.overrides.tell_by(by_wall_);
    if (const auto by = left.said.find("stopped_by_hand"); by != left.said.end() && by->is_string())
      stopped = by->get<std::string>();
  }
  auto* led = dynamic_cast<Led*>(s.target.get());
  if (!led) return;
  if (leads_)
    led->lead(*lease_, stopped);
  else
    led->follow();
}

// The first decision rests on a sample of its own, taken now.
void Controller::take_over(Service& s) {
  take_part(s);
  s.retry_at.reset();
  s.failed_orders = s.conflicts = 0;
  s.sampled.reset();
  s.next_check = options_.clock.now();
  static_cast<void>(save(s));  // it warned
}

void Controller::leave(const Service& s) const {
  if (lease_) leave(s, s.autoscaler.save());
}

void Controller::leave(const Service& s, nlohmann::json learned) const {
  if (!leads_) return;
  nlohmann::json said = nlohmann::json::object();
  if (!s.overrides.empty()) said["overrides"] = s.overrides.save(options_.clock);
  if (!s.report.stopped_by_hand.empty()) said["stopped_by_hand"] = s.report.stopped_by_hand;
  lease_->leave(s.spec.name, {std::move(said), std::move(learned)});
}

void Controller::close() {
  for (const auto& [name, s] : services_) end(*s);
  services_.clear();
  order_of_names_.clear();
}

}  // namespace docktor
