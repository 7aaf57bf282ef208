#include "control/shares.h"

#include <algorithm>
#include <utility>

namespace docktor {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);  // at the machine, for all services
constexpr auto kReadEvery = std::chrono::seconds(2);  // what the replicas of one service use
constexpr double kReplicasRead = 50;  // a second, in the mean: an engine works for each that is asked for

int there_or_ordered(const Service& s) { return std::max(s.counts.current, s.order ? s.order->target : 0); }

HostClaim host_claim(const Service& s, Time now) {
  HostClaim c;
  c.place = s.place;
  c.priority = s.spec.priority;
  c.min = s.bounds().min;
  c.current = there_or_ordered(s);
  if (s.last_decision && !s.dry_run) c.wanted = wanted_of_host(*s.last_decision);
  if (s.place != HostPlace::kElsewhere) s.needs.claim(now, s.report.replicas, c);
  return c;
}

}  // namespace

void Shares::clear() {
  claims_.clear();
  host_share_.clear();
}

void Shares::add(Service& s, Time now) {
  s.claim = claims_.size();
  claims_.push_back({s.spec.priority, s.bounds().min, s.counts.current,
                     s.last_decision && !s.dry_run ? wanted_by(*s.last_decision) : 0});
  host_share_.add(host_claim(s, now));
}

void Shares::renew(const Service& s, Time now) {
  Claim& c = claims_[s.claim];
  c.min = s.bounds().min;
  c.current = there_or_ordered(s);
  if (s.last_decision && !s.dry_run) c.wanted = wanted_by(*s.last_decision);
  if (s.where) host_share_.put(s.claim, host_claim(s, now));
}

std::optional<Room> Shares::room_of(const Service& s) const {
  if (!max_total_) return std::nullopt;
  return docktor::room_of(claims_, s.claim, *max_total_);
}

void Shares::bound_by_host(const Service& s, Overrides& o, Time now) {
  if (!look_ || !host_.enabled || s.place == HostPlace::kElsewhere) return;
  if (!looked_ || now >= *looked_ + kLookEvery) {
    figures_ = look_();
    looked_ = now;
  }
  host_share_.put(s.claim, host_claim(s, now));
  auto rooms = host_share_.rooms(s.claim, figures_, host_);
  // What is more than it may have anyway bounds nothing.
  const int max = std::max(s.bounds().max, s.counts.current);
  if (rooms.memory && rooms.memory->most < max) o.host_memory = std::move(rooms.memory);
  if (rooms.cpu && rooms.cpu->most < max) o.host_cpu = std::move(rooms.cpu);
}

// Rules that need CPU have it read with each sample; here it is read for the machine's sake alone, and no decision sees it
// otherwise.
bool Shares::wants_usage(const Service& s, Time now) const {
  return host_.enabled && s.usage && !s.spec.uses_cpu() && s.place != HostPlace::kElsewhere &&
         !s.needs_in_flight && now >= s.next_needs && s.counts.current > 0;
}

Duration Shares::usage_lasts() const {
  return std::max<Duration>(kReadEvery, seconds(host_share_.replicas() / kReplicasRead));
}

}  // namespace docktor
