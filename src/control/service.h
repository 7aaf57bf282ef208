// One service as the controller runs it: its autoscaler, what it reads, where its replicas live, and what is
// under way.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/figures.h"
#include "control/overrides.h"
#include "control/proposals.h"
#include "core/autoscaler.h"
#include "core/host.h"
#include "core/record.h"
#include "core/source.h"
#include "core/target.h"
#include "schedule/schedule.h"

namespace docktor {

/// What the wiring makes of a ServiceSpec. `usage` only where a rule needs CPU or memory, or this machine bounds the
/// replicas.
struct ServiceParts {
  ServiceSpec spec;
  std::unique_ptr<Policy> policy;
  std::unique_ptr<Source> queue;
  std::unique_ptr<Source> usage;
  std::unique_ptr<Target> target;
  std::function<HostPlace()> place{};        ///< see TargetFactory::place; empty: elsewhere
  std::function<std::string()> queue_shown;  ///< QueueSpec::shown as it is reached now
  bool dry_run = false;                      ///< the target answers orders and carries none out
  nlohmann::ordered_json effective;          ///< the configuration in effect, secrets hidden, for the journal
};

/// An order that the target has not answered yet, with the decision's record, which waits for the outcome.
struct PendingOrder {
  std::uint64_t number = 0;
  Time at{};
  int target = 0;
  bool recorded = false;  ///< the record went out as "pending"; the outcome follows as an event
  std::string version;    ///< of the report that the decision rests on
  nlohmann::ordered_json record;
};

/// A decision on its way to order and journal, with all that its record will hold.
struct Evaluation {
  std::string id;
  Decision decision;
  Overrides overrides;
  ReplicaCounts counts;
  nlohmann::ordered_json inputs;  ///< the samples since the evaluation before
  std::string version;            ///< of the target's report
  std::optional<Advice> advice;   ///< what a model said, as it was applied
  std::optional<double> latency;  ///< seconds until its answer, or until none was waited for any more
};

/// A scale-down that waits for a model's word.
struct AwaitedAdvice {
  std::uint64_t number = 0;
  Time asked{};
  Time until{};
  Evaluation evaluation;
};

/// A model was asked after a scale-up.
struct AskedForMore {
  std::uint64_t number = 0;
  Time at{};
};

/// Its answer; the next evaluation takes it up.
struct AddedAdvice {
  Advice advice;
  double latency = 0;  ///< seconds
};

/// A source's trouble: logged once when it begins and once when it ends.
struct SourceTrouble {
  Error error;
  Time since{};
};

/// What must change before there is anything new to learn: what came and went, and who was there.
struct Gist {
  double arrivals = 0;
  double settled = 0;
  ReplicaCounts counts;
  friend bool operator==(const Gist&, const Gist&) = default;
};

/// State of the loop thread. Plain data: the controller acts on it.
struct Service {
  explicit Service(ServiceParts p)
      : autoscaler(std::move(p.spec), std::move(p.policy)),
        spec(autoscaler.spec()),
        queue(std::move(p.queue)),
        usage(std::move(p.usage)),
        target(std::move(p.target)),
        where(std::move(p.place)),
        queue_shown(std::move(p.queue_shown)),
        dry_run(p.dry_run),
        effective(p.effective.is_null() ? "" : to_line(p.effective)),
        calendar(spec),
        waits(spec.objective ? std::optional(spec.objective->max_wait) : std::nullopt) {}

  Autoscaler autoscaler;
  const ServiceSpec& spec;  ///< the autoscaler's
  std::unique_ptr<Source> queue;
  std::unique_ptr<Source> usage;
  std::unique_ptr<Target> target;
  std::function<HostPlace()> where;
  std::function<std::string()> queue_shown;
  bool dry_run;
  std::string effective;          ///< JSON text: a tree of it takes ten times as much
  std::optional<Time> scheduled;  ///< where it stands in the controller's schedule
  bool touched = false;           ///< something happened to it: its place may be another
  std::uint64_t in_file = 0;      ///< the journal's file that has its state
  std::uint64_t generation = 0;   ///< callbacks of an earlier generation are stale

  Schedule calendar;
  std::optional<ScheduledBounds> by_calendar;  ///< in effect
  std::size_t claim = 0;                       ///< its place among those who share max_total_replicas
  HostPlace place = HostPlace::kElsewhere;     ///< as `where` last told
  HostNeeds needs;                             ///< where this machine bounds it
  Time next_needs{};                           ///< when they are read again
  bool needs_in_flight = false;
  StandingOverrides overrides;
  Proposals proposals;
  bool zero_left = false;  ///< as told to whoever leads next: a 0 of the number is no person's stop

  TargetReport report;
  std::string problem_told;  ///< of the target's, in the log
  Time problem_told_at{};
  ReplicaCounts counts;
  int wanted = 0;

  Time next_sample{};
  Time next_check{};
  bool queue_in_flight = false;
  bool usage_in_flight = false;
  std::optional<Time> evaluate_by;  ///< an evaluation is due; it waits for the reads in flight until then
  std::optional<SourceTrouble> queue_trouble;
  std::string queue_note;  ///< see Reading::note
  std::string part_waits;  ///< of several queues, beside queue_trouble: what waits in those that answered
  std::optional<SourceTrouble> usage_trouble;
  std::optional<Time> first_sample;
  std::optional<Time> sampled;  // the queue, last

  bool watching = false;
  std::optional<Time> wake_until;  ///< a message may have come: read again until then
  std::optional<Time> read_again;  ///< the next of these reads
  int false_wakes = 0;             ///< within this sample interval
  bool work_waits = false;         ///< at zero replicas, as last read: a watch would only tell what is known
  Time next_early{};               ///< until then nothing is evaluated ahead of the check

  std::optional<Time> saved;       ///< its state, last
  std::optional<Gist> saved_gist;  ///< what stood then, where nothing was under way
  Time last_input{};
  std::vector<Input> inputs;  ///< since the last evaluation, for the journal
  std::map<std::string, double> busyness;
  std::shared_ptr<const Decision> last_decision;  ///< the board shows the same
  std::string last_id;
  std::string last_outcome;
  std::optional<PendingOrder> order;
  int failed_orders = 0;         ///< in a row
  int conflicts = 0;             ///< in a row: orders that came too late for the state they rested on
  std::optional<Time> retry_at;  ///< no order before this
  std::string order_error;
  std::uint64_t evaluations = 0;

  /// While every replica ends at once with 0: when a message was last seen to be finished, or when that began.
  std::optional<Time> idle_since;
  double work_left = 0;  ///< messages, then

  std::unique_ptr<AwaitedAdvice> awaited;  ///< rare, and as large as a decision
  std::optional<AskedForMore> asked_for_more;
  std::optional<AddedAdvice> added;
  std::deque<nlohmann::ordered_json> history;  ///< the last decisions, for a model
  Tally tally;
  WaitMeter waits;

  /// In effect: a person's, else the calendar's, else the configuration's.
  Bounds bounds() const {
    if (overrides.bounds) return overrides.bounds->bounds;
    if (by_calendar) return by_calendar->bounds;
    return {spec.limits.min_replicas, spec.limits.max_replicas};
  }
};

}  // namespace docktor
