// What this machine carries: who may add replicas where its memory or its cores run out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/decision.h"
#include "core/host_spec.h"
#include "core/replica.h"
#include "core/sample.h"
#include "core/time.h"

namespace docktor {

/// What the machine shows at one instant. A list is empty where nothing is known: then nothing is bounded. `whole`: the
/// machine itself; else a control group that docktor is in, which bounds its children alone.
struct HostFigures {
  struct Memory {
    double total = 0;      ///< bytes
    double available = 0;  ///< bytes that can be had without harm to others
    bool whole = true;
  };
  struct Cpu {
    double cores = 0;
    double busy = 0;  ///< cores, in the mean since the look before; without what runs by courtesy (nice)
    bool whole = true;
  };
  std::vector<Memory> memory;
  std::vector<Cpu> cpu;
  std::optional<double> memory_stalled;  ///< percent of the last 10 s in which all tasks waited for memory
};

/// What one service takes of the machine, and will take.
struct HostClaim {
  HostPlace place = HostPlace::kElsewhere;
  int priority = 0;
  int min = 0;
  int current = 0;                    ///< replicas that are there, or ordered
  int wanted = 0;                     ///< by its last decision, had there been room
  std::optional<double> memory, cpu;  ///< that one replica needs: bytes, cores
  double memory_to_come = 0;          ///< bytes that those that are there do not show yet, and will need
  double cpu_to_come = 0;             ///< cores, the same
  double cpu_used = 0;                ///< cores
};

/// What the replicas of one service were seen to need. Pure; not thread-safe.
class HostNeeds {
 public:
  /// A reading of the usage of `replicas`.
  void seen(Time now, const std::vector<ReplicaUsage>& usage, const std::vector<Replica>& replicas);

  /// Fills in needs, and what is to come: of replicas that showed nothing yet, or are too young to show all of it.
  void claim(Time now, const std::vector<Replica>& replicas, HostClaim& claim) const;

 private:
  struct Shown {
    double cpu = 0;
    std::optional<double> memory;
  };
  std::map<std::string, Shown> shown_;  // by replica
  std::optional<double> memory_;        // the most seen, halved every ten minutes
  std::optional<double> cpu_;           // the mean of late
  std::optional<Time> at_;
};

/// Shares what is left among the services of one daemon. Deterministic; not thread-safe.
class HostShare {
 public:
  void clear();
  /// The claim of the next service; its number.
  std::size_t add(const HostClaim& claim);
  void put(std::size_t service, const HostClaim& claim);
  const HostClaim& at(std::size_t service) const { return claims_[service]; }

  /// Of all services that this machine bounds.
  double replicas() const;

  /// Absent: nothing is known that bounds it.
  struct Rooms {
    std::optional<Room> memory, cpu;
  };
  /// What a service may have: never fewer than it has, nor than one. It may grow into what is spare, without what others
  /// are owed: what their replicas will still need, their min to every service, and what it wants to one of higher
  /// priority. The cores bound a service whose replicas use them, and others than replicas take no more than half of the
  /// cores from them.
  /// O(number of different priorities).
  Rooms rooms(std::size_t service, const HostFigures& figures, const HostSpec& spec) const;

 private:
  // Of all services of one priority and place, in whole bytes and thousandths of a core: sums that are added to and
  // taken from for months stay exact.
  struct Sums {
    std::int64_t to_come[2] = {}, owed_min[2] = {}, owed[2] = {};  // [memory, CPU]; owed: min included
    std::int64_t used = 0, replicas = 0;
    void add(const Sums& other, int sign);
  };
  static Sums sums_of(const HostClaim& claim);
  Sums others_and_own(const HostClaim& own, bool whole) const;
  std::optional<Room> memory_room(const HostClaim& own, const HostFigures& figures,
                                  const HostSpec& spec) const;
  std::optional<Room> cpu_room(const HostClaim& own, const HostFigures& figures, const HostSpec& spec) const;

  std::vector<HostClaim> claims_;
  std::map<std::pair<int, HostPlace>, Sums> by_priority_;
};

/// How many replicas `d` would have come to, had the machine carried them.
int wanted_of_host(const Decision& d);

/// Why `d` did not come to that; empty where it did.
std::string beyond_host(const Decision& d);

}  // namespace docktor
