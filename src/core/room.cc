#include "core/room.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace docktor {

int wanted_by(const Decision& d) {
  for (const auto& l : d.limits) {
    if (l.name == "max_total_replicas") return std::max(l.from, d.target);
  }
  return d.target;
}

std::string out_of_room(const Decision& d) {
  for (const auto& l : d.limits) {
    if (l.name == "max_total_replicas" && l.from > d.target) return l.detail;
  }
  return {};
}

Room room_of(std::span<const Claim> claims, std::size_t self, int total) {
  const Claim& own = claims[self];
  std::int64_t taken = 0, owed = 0, owed_min = 0, below = 0;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const Claim& c = claims[i];
    if (i == self) continue;
    taken += c.current;
    owed += std::max(0, std::max(c.min, c.priority > own.priority ? c.wanted : 0) - c.current);
    owed_min += std::max(0, c.min - c.current);
    if (c.priority < own.priority) below += std::max(0, c.current - c.min);
  }
  const std::int64_t free = total - taken - own.current;  // negative: more are there than may be
  // What those below do not give up by themselves.
  const std::int64_t short_of = std::max<std::int64_t>(0, owed - free - below);
  Room room;
  if (short_of > 0 && own.current > own.min) {
    room.most = static_cast<int>(std::max<std::int64_t>(own.min, own.current - short_of));
    room.why = free < 0 ? fmt::format("max_total_replicas {}: there are {}", total, total - free)
                        : fmt::format("max_total_replicas {}: {} make room for services of higher priority",
                                      total, own.current - room.most);
    return room;
  }
  // Its own min comes before what others want beyond theirs.
  const std::int64_t to_min = std::min<std::int64_t>(own.min - own.current, free - owed_min);
  room.most = static_cast<int>(own.current + std::max<std::int64_t>({0, free - owed, to_min}));
  room.why = fmt::format("max_total_replicas {}: other services have {}{}", total, taken,
                         owed > 0 ? fmt::format(" and are owed {}", owed) : "");
  return room;
}

}  // namespace docktor
