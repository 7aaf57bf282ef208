// What this machine bounds: reads what replicas need of it, and shares what it has left.
#include <algorithm>
#include <utility>

#include "control/controller.h"

namespace docktor {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);  // at the machine, for all services
constexpr auto kReadEvery = std::chrono::seconds(2);  // what the replicas of one service use
constexpr double kReplicasRead = 50;  // a second, in the mean: an engine works for each that is asked for
constexpr auto kReadTimeout = std::chrono::seconds(2);

}  // namespace

HostClaim Controller::host_claim(const Service& s) const {
  HostClaim c;
  c.place = s.place;
  c.priority = s.spec.priority;
  c.min = s.bounds().min;
  c.current = std::max(s.counts.current, s.order ? s.order->target : 0);
  if (s.last_decision && !s.dry_run) c.wanted = wanted_of_host(*s.last_decision);
  if (s.place != HostPlace::kElsewhere) s.needs.claim(options_.clock.now(), s.report.replicas, c);
  return c;
}

// Rules that need CPU have it read with each sample (read_usage); here it is read for the machine's sake alone, and
// no decision sees it otherwise.
void Controller::read_host_usage(Service& s, Time now) {
  if (!host_.enabled || !s.usage || s.spec.uses_cpu() || s.place == HostPlace::kElsewhere) return;
  if (s.needs_in_flight || now < s.next_needs || s.counts.current == 0) return;
  s.next_needs = now + std::max<Duration>(kReadEvery, seconds(host_share_.replicas() / kReplicasRead));
  s.needs_in_flight = true;
  s.usage->read({kReadTimeout, s.report.replicas},
                [this, inbox = inbox_, name = s.spec.name, generation = s.generation](auto reading) {
                  inbox->push([this, name, generation, reading = std::move(reading)] {
                    Service* found = find(name);
                    if (!found || found->generation != generation) return;
                    found->needs_in_flight = false;
                    if (reading && reading->usage)
                      found->needs.seen(options_.clock.now(), *reading->usage, found->report.replicas);
                  });
                });
}

void Controller::bound_by_host(Service& s, Overrides& o, Time now) {
  if (!options_.look_at_host || !host_.enabled || s.place == HostPlace::kElsewhere) return;
  if (!host_looked_ || now >= *host_looked_ + kLookEvery) {
    host_figures_ = options_.look_at_host();
    host_looked_ = now;
  }
  host_share_.put(s.claim, host_claim(s));
  auto rooms = host_share_.rooms(s.claim, host_figures_, host_);
  // What is more than it may have anyway bounds nothing.
  const int max = std::max(s.bounds().max, s.counts.current);
  if (rooms.memory && rooms.memory->most < max) o.host_memory = std::move(rooms.memory);
  if (rooms.cpu && rooms.cpu->most < max) o.host_cpu = std::move(rooms.cpu);
}

}  // namespace docktor
