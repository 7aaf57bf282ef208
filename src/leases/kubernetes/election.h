// Who leads, by the rules of client-go's leader election. Pure: time and what was read are arguments.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/lease.h"
#include "core/result.h"
#include "core/time.h"

namespace docktor {

/// What a Lease object says. Its times are texts: they are of other clocks, and only compared for being the same.
struct LeaseRecord {
  std::string holder;  ///< empty: nobody
  Duration length{};
  std::string acquired, renewed;
  std::uint64_t transitions = 0;
  friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

/// kInvalid where it is no Lease. Fields that are odd count as absent; a length is cut to [1 s, 1 h].
Result<LeaseRecord> read_lease(const nlohmann::json& object);

/// The object with that record; what else is in it stays. `object` may be null: a new one, with that name.
nlohmann::json write_lease(const nlohmann::json& object, const std::string& name, const LeaseRecord& record);

/// "docktor-7d9f" of "docktor-7d9f_3fa2b1c0": the name that people know a holder by.
std::string holder_name(const std::string& holder);

/// `me` is unique to this run: whoever has it in the record is this very process.
class Election {
 public:
  /// Whoever holds it renews it each `period`.
  Election(std::string me, Duration length, Duration deadline, Duration period)
      : me_(std::move(me)), length_(length), deadline_(deadline), period_(period) {}

  /// The record as it was read at `now`; nothing: there is no such object. A record that has changed in any way was
  /// renewed now, by this clock, whatever time it tells.
  void saw(std::optional<LeaseRecord> record, Time now);
  /// It could be written; the request went out at `sent`.
  void wrote(LeaseRecord record, Time sent);

  const std::optional<LeaseRecord>& record() const { return record_; }
  bool mine() const { return record_ && record_->holder == me_; }
  bool may_take(Time now) const;
  /// When another's lease may be taken, should it not be renewed; nothing where it may be taken now, or is ours.
  std::optional<Time> free_at() const;
  /// When one who follows looks again. A renewal counts from when it was seen: so that no time is lost each is looked for when it
  /// is due, and whoever has died is followed at the first moment that is allowed.
  Time look_at(Time now) const;
  /// What to write to take the lease, or to keep it. `clock` is the time for people, RFC 3339 with six decimals.
  LeaseRecord taken(const std::string& clock) const;
  /// What to write to give it up, so that the next one need not wait.
  LeaseRecord given_up(const std::string& clock) const;
  std::optional<LeaseTerm> term(Time now) const;

 private:
  const std::string me_;
  const Duration length_, deadline_, period_;
  std::optional<LeaseRecord> record_;
  Time changed_{};            // when the record was first seen as it is
  Duration late_{};           // by so much, at most, after it was written
  Time looked_{};             // at the record, the last time
  std::optional<Time> sent_;  // the last write of ours that was taken
};

}  // namespace docktor
