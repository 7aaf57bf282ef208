#include "core/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "core/bytes_text.h"

namespace docktor {
namespace {

constexpr double kHalfLife = 600;  // seconds after which a need that is not seen any more counts half
// Of CPU the mean counts, of all and over a while: a second of imports or of collecting garbage is no work, and a machine
// that is out of cores shows it at once.
constexpr double kHalfLifeOfCpu = 20;
constexpr double kMostPause = 60;  // seconds of that which pass between two readings, at most
// A replica's start is no measure of its work, and takes its time to show how much memory it will hold.
constexpr auto kStartOfCpu = std::chrono::seconds(3);
constexpr auto kStartOfMemory = std::chrono::seconds(30);

constexpr double kIdleCpu = 0.05;      // cores: who needs less does not wait for them
constexpr double kMostOfOthers = 0.5;  // of the cores: with more, others do not push replicas out
constexpr double kWorthACore = 0.25;   // of what a replica needs: with less to spare one more is no gain
constexpr double kStalled = 10;        // percent: reclaiming memory is most of what the machine does

constexpr std::size_t kMemory = 0, kCpu = 1;
constexpr double kMilli = 1000;

constexpr std::array<std::string_view, 2> kHostLimits{"host_memory", "host_cpu"};

std::int64_t whole(double v) {
  return static_cast<std::int64_t>(std::clamp(std::isfinite(v) ? v : 0.0, 0.0, 1e17));
}

const AppliedLimit* host_limit(const Decision& d) {
  const auto it = std::ranges::find_if(d.limits, [](const AppliedLimit& l) {
    return std::ranges::find(kHostLimits, std::string_view(l.name)) != kHostLimits.end();
  });
  return it == d.limits.end() ? nullptr : &*it;
}

int rise(double replicas) {
  return static_cast<int>(std::clamp(std::floor(replicas), 0.0, static_cast<double>(kMaxReplicas)));
}

std::string cores_text(double cores) {
  const auto text = fmt::format("{:.1f}", cores);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string of_cores(double cores) {
  return fmt::format("{} core{}", cores_text(cores), cores == 1 ? "" : "s");
}

std::string_view place_text(bool whole_machine) {
  return whole_machine ? "this host" : "docktor's control group";
}

}  // namespace

void HostNeeds::seen(Time now, const std::vector<ReplicaUsage>& usage, const std::vector<Replica>& replicas) {
  shown_.clear();
  for (const auto& u : usage) shown_[u.id] = {u.cpu / 100, u.mem};
  if (shown_.empty()) return;
  const double passed = at_ ? std::clamp(to_seconds(now - *at_), 0.0, kMostPause) : 0;
  at_ = now;
  if (memory_) *memory_ *= std::exp2(-passed / kHalfLife);
  double cpu = 0;
  int working = 0;
  for (const auto& r : replicas) {
    const auto it = shown_.find(r.id);
    if (it == shown_.end()) continue;
    if (const auto& m = it->second.memory; m && *m > 0) memory_ = std::max(memory_.value_or(0), *m);
    if (r.state != ReplicaState::kReady || now - r.since < kStartOfCpu) continue;
    cpu += it->second.cpu;
    ++working;
  }
  if (working == 0) return;
  cpu /= working;
  cpu_ = cpu_ ? cpu + (*cpu_ - cpu) * std::exp2(-passed / kHalfLifeOfCpu) : cpu;
}

void HostNeeds::claim(Time now, const std::vector<Replica>& replicas, HostClaim& claim) const {
  claim.memory = memory_;
  claim.cpu = cpu_;
  claim.memory_to_come = claim.cpu_to_come = claim.cpu_used = 0;
  const double memory = memory_.value_or(0), cpu = cpu_.value_or(0);
  int listed = 0;
  for (const auto& r : replicas) {
    const auto it = shown_.find(r.id);
    if (it != shown_.end()) claim.cpu_used += it->second.cpu;
    if (r.state == ReplicaState::kStopping) continue;
    ++listed;
    const bool none = it == shown_.end();
    if (none || now - r.since < kStartOfMemory)
      claim.memory_to_come += std::max(0.0, memory - (none ? 0 : it->second.memory.value_or(memory)));
    if (none || now - r.since < kStartOfCpu)
      claim.cpu_to_come += std::max(0.0, cpu - (none ? 0 : it->second.cpu));
  }
  const int ordered = std::max(0, claim.current - listed);
  claim.memory_to_come += ordered * memory;
  claim.cpu_to_come += ordered * cpu;
}

void HostShare::Sums::add(const Sums& other, int sign) {
  for (const auto r : {kMemory, kCpu}) {
    to_come[r] += sign * other.to_come[r];
    owed_min[r] += sign * other.owed_min[r];
    owed[r] += sign * other.owed[r];
  }
  used += sign * other.used;
  replicas += sign * other.replicas;
}

HostShare::Sums HostShare::sums_of(const HostClaim& c) {
  Sums s;
  if (c.place == HostPlace::kElsewhere) return s;
  const double needs[2] = {c.memory.value_or(0), c.cpu.value_or(0) * kMilli};
  const double to_come[2] = {c.memory_to_come, c.cpu_to_come * kMilli};
  const int to_min = std::max(0, c.min - c.current);
  const int to_wanted = std::max(0, std::max(c.min, c.wanted) - c.current);
  for (const auto r : {kMemory, kCpu}) {
    s.to_come[r] = whole(to_come[r]);
    s.owed_min[r] = whole(to_min * needs[r]);
    s.owed[r] = whole(to_wanted * needs[r]);
  }
  s.used = whole(c.cpu_used * kMilli);
  s.replicas = c.current;
  return s;
}

void HostShare::clear() {
  claims_.clear();
  by_priority_.clear();
}

std::size_t HostShare::add(const HostClaim& claim) {
  claims_.push_back(claim);
  by_priority_[{claim.priority, claim.place}].add(sums_of(claim), 1);
  return claims_.size() - 1;
}

void HostShare::put(std::size_t service, const HostClaim& claim) {
  auto& old = claims_[service];
  by_priority_[{old.priority, old.place}].add(sums_of(old), -1);
  by_priority_[{claim.priority, claim.place}].add(sums_of(claim), 1);
  old = claim;
}

double HostShare::replicas() const {
  std::int64_t n = 0;
  for (const auto& [key, sums] : by_priority_) n += sums.replicas;
  return static_cast<double>(n);
}

// `owed` is what others are owed before `own`; the rest is of all, `own` included.
HostShare::Sums HostShare::others_and_own(const HostClaim& own, bool whole_machine) const {
  Sums all;
  for (const auto& [key, sums] : by_priority_) {
    const auto& [priority, place] = key;
    if (place == HostPlace::kElsewhere || (!whole_machine && place != HostPlace::kBeside)) continue;
    Sums s = sums;
    if (priority <= own.priority) std::copy_n(s.owed_min, 2, s.owed);
    all.add(s, 1);
  }
  const Sums self = sums_of(own);
  for (const auto r : {kMemory, kCpu}) all.owed[r] -= self.owed_min[r];
  return all;
}

std::optional<Room> HostShare::memory_room(const HostClaim& own, const HostFigures& figures,
                                           const HostSpec& spec) const {
  const int least = std::max(1, own.current);
  std::optional<Room> room;
  if (figures.memory_stalled && *figures.memory_stalled >= kStalled)
    return Room{least, fmt::format("this host is short of memory: all its tasks waited for it in {:.0f}% of "
                                   "the last 10 s",
                                   *figures.memory_stalled)};
  if (!own.memory || *own.memory <= 0) return room;
  for (const auto& m : figures.memory) {
    if (!m.whole && own.place != HostPlace::kBeside) continue;
    const Sums all = others_and_own(own, m.whole);
    const auto to_come = static_cast<double>(all.to_come[kMemory]);
    const auto owed = static_cast<double>(all.owed[kMemory]);
    const double spare = m.available - spec.memory_reserve * m.total - to_come - owed;
    const int more = rise(spare / *own.memory);
    const int most = std::max(1, own.current + more);
    if (room && room->most <= most) continue;
    std::string why =
        fmt::format("{} has {} of {} memory available and keeps {} in reserve", place_text(m.whole),
                    bytes_text(m.available), bytes_text(m.total), bytes_text(spec.memory_reserve * m.total));
    if (to_come >= 1) why += fmt::format(", {} are for replicas that start", bytes_text(to_come));
    if (owed >= 1) why += fmt::format(", {} are owed to other services", bytes_text(owed));
    why += fmt::format("; a replica needs {}", bytes_text(*own.memory));
    room = Room{most, std::move(why)};
  }
  return room;
}

std::optional<Room> HostShare::cpu_room(const HostClaim& own, const HostFigures& figures,
                                        const HostSpec& spec) const {
  std::optional<Room> room;
  if (!own.cpu || *own.cpu < kIdleCpu) return room;
  for (const auto& c : figures.cpu) {
    if (c.cores <= 0 || (!c.whole && own.place != HostPlace::kBeside)) continue;
    const Sums all = others_and_own(own, c.whole);
    // Replicas that run by courtesy themselves (nice) are not in `busy`.
    const double used = std::min(c.cores, static_cast<double>(all.used) / kMilli);
    const double busy = std::max(c.busy, used);
    const double to_come = static_cast<double>(all.to_come[kCpu]) / kMilli;
    const double others = std::min(busy - used, kMostOfOthers * c.cores);
    const double owed = static_cast<double>(all.owed[kCpu]) / kMilli;
    const double spare = spec.cpu_max * c.cores - used - others - to_come - owed;
    const int more = rise(spare / *own.cpu + 1 - kWorthACore);
    const int most = std::max(1, own.current + more);
    if (room && room->most <= most) continue;
    std::string why =
        fmt::format("{} has {}, replicas use {:.1f} of them", place_text(c.whole), of_cores(c.cores), used);
    if (busy - used >= 0.05) why += fmt::format(", others {:.1f}", busy - used);
    if (to_come >= 0.05) why += fmt::format(", those that start will use {:.1f}", to_come);
    if (owed >= 0.05) why += fmt::format(", other services are owed {:.1f}", owed);
    why += fmt::format(", and a replica needs {:.1f}: ", *own.cpu);
    why += more > 0 ? fmt::format("there is work for {} more", more) : "more would not work faster";
    room = Room{most, std::move(why)};
  }
  return room;
}

HostShare::Rooms HostShare::rooms(std::size_t service, const HostFigures& figures,
                                  const HostSpec& spec) const {
  const HostClaim& own = claims_[service];
  if (!spec.enabled || own.place == HostPlace::kElsewhere) return {};
  return {memory_room(own, figures, spec), cpu_room(own, figures, spec)};
}

int wanted_of_host(const Decision& d) {
  const auto* l = host_limit(d);
  return l ? std::max(l->from, d.target) : d.target;
}

std::string beyond_host(const Decision& d) {
  const auto* l = host_limit(d);
  return l && l->from > d.target ? l->detail : std::string();
}

}  // namespace docktor
