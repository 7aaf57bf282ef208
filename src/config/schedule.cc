// Bounds by the calendar, and how they fit the service's own.
#include "schedule/schedule.h"

#include <fmt/format.h>

#include "config/parts.h"
#include "schedule/cron.h"
#include "schedule/time_zone.h"

namespace docktor {
namespace {

ScheduleEntry read_entry(Section& section, const ServiceSpec& service) {
  auto& mistakes = section.context().mistakes;
  ScheduleEntry e;
  if (const auto cron = section.text("cron")) {
    e.cron = cron->value;
    if (const auto c = Cron::parse(e.cron); !c) mistakes.add(cron->place, "cron: " + c.error().message);
  }
  if (const auto length = section.duration("for")) e.length = length->value;
  if (const auto zone = section.text("timezone")) {
    e.timezone = zone->value;
    if (const auto known = check_time_zone(e.timezone); !known)
      mistakes.add(zone->place, known.error().message);
  } else if (!section.entry("timezone")) {
    const auto tz = section.context().env.find("TZ");
    e.timezone = local_time_zone(tz == section.context().env.end() ? "" : tz->second);
  }
  const auto min = section.integer("min_replicas");
  const auto max = section.integer("max_replicas");
  if (min) e.min_replicas = min->value;
  if (max) e.max_replicas = max->value;
  if (!section.entry("min_replicas") && !section.entry("max_replicas"))
    mistakes.add(section.at(), "an entry of schedule gives bounds; write min_replicas, max_replicas or both");
  const int least = min ? min->value : service.limits.min_replicas;
  const int most = max ? max->value : service.limits.max_replicas;
  if (least > most)
    mistakes.add(min ? min->place : max->place,
                 fmt::format("within this entry min_replicas is {} and max_replicas {}; write both here, so "
                             "that they fit",
                             least, most));
  return e;
}

}  // namespace

void read_schedule(Section& from, ServiceSpec& into) {
  const auto nodes = from.sections("schedule");
  if (!nodes) return;
  for (const auto* node : *nodes) {
    Section section(from.context(), kSchedule, *node);
    into.schedule.push_back(read_entry(section, into));
    if (into.schedule.back().min_replicas == 0 && !from.entry("queue"))
      from.context().mistakes.add(section.key_at("min_replicas"),
                                  "min_replicas is 0 without a queue, and nothing else can wake the service; "
                                  "allowed without: 1 or more");
  }
}

}  // namespace docktor
