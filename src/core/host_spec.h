// How much of this machine replicas may take, and which replicas it is about: plain values.
#pragma once

namespace docktor {

/// What a configuration says of the machine. It bounds a rise, and takes nothing away from what runs.
struct HostSpec {
  bool enabled = true;
  double memory_reserve = 0.10;  ///< part of the memory that stays free
  double cpu_max = 0.95;         ///< part of the cores that may be busy before a replica is added
  friend bool operator==(const HostSpec&, const HostSpec&) = default;
};

/// Where the replicas of a target are.
enum class HostPlace {
  kElsewhere,  ///< on other machines, or nobody knows
  kThisHost,   ///< on this machine
  kBeside,     ///< on this machine, as children of docktor: its control group bounds them, too
};

}  // namespace docktor
