// Who gets the replicas where max_total_replicas does not suffice for all services.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/decision.h"

namespace docktor {

/// What one of the services has, and what it wants.
struct Claim {
  int priority = 0;
  int min = 0;      ///< its least, which nobody takes
  int current = 0;  ///< that are there, or ordered
  int wanted = 0;   ///< by its last decision, had there been room
};

/// What `d` would have come to with more room.
int wanted_by(const Decision& d);

/// Why `d` did not come to that; empty where it did.
std::string out_of_room(const Decision& d);

/// What claims[self] may have of `total`. It may grow into what nobody has and nobody else is owed: its min to every
/// service, and what it wants to one of higher priority. Where all places are taken, it gives up what others are owed,
/// down to its own min, after those of lower priority. Equal priorities owe one another no more than min.
/// O(number of claims). Deterministic.
Room room_of(std::span<const Claim> claims, std::size_t self, int total);

}  // namespace docktor
