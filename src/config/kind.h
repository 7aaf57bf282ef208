// What a kind of queue or target says of itself to whatever reads a configuration: its keys, what they mean
// together, and its traits. Nothing outside the kind's folder knows more.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/knobs.h"
#include "config/section.h"
#include "core/factory.h"
#include "core/metric.h"
#include "core/notify_spec.h"
#include "core/settings.h"

namespace docktor {

/// The map of one queue or target after its keys were read, for what a table of keys cannot say.
struct KindReader {
  Section& section;     ///< as it stands in the file; an empty map where the file has none
  Settings& settings;   ///< what was read; a check may add to it and take away
  std::string service;  ///< how mistakes call the service: `service "web"`
  Position service_at;
  /// A value that the user gave: where it stands, and how a mistake may repeat it (quotes included).
  struct Given {
    Place place;
    std::string shown;
  };
  std::map<std::string, Given, std::less<>> givens;
  std::string identity;  ///< a queue's check sets it; see QueueSpec
  std::string shown;     ///< the same

  bool given(std::string_view key) const { return givens.contains(key); }

  std::string quoted(std::string_view key) const;  ///< Given::shown

  /// Reports what is wrong with a value, where it stands.
  void mistake(std::string_view key, std::string message);
};

/// What a queue does not tell, its settings being what they are: a rule on it would never hold.
struct Untold {
  std::vector<Metric> metrics;  ///< of queue.*; a rule on one is refused
  bool flow = false;            ///< neither arrivals nor settled messages: there are no rates
  std::string why;              ///< " without the management API"; empty: it is the kind's nature
  bool holds(Metric metric) const { return std::ranges::find(metrics, metric) != metrics.end(); }
};

/// A kind as a configuration sees it: a constant in the kind's folder.
struct KindKeys {
  std::string_view name;       ///< what `kind:` says
  std::string_view meaning;    ///< "supervised processes of this host", for the reference page
  std::string_view note;       ///< what holds for its keys together, for the reference page; may be empty
  std::span<const Knob> keys;  ///< `kind` is not among them
  void (*check)(KindReader&) = nullptr;
  bool implied = false;  ///< the kind that is meant where `kind:` is not written

  // Of a queue.
  /// Keys, separated by |, whose text is the queue's own name; the first that is set counts. Among several queues it is
  /// the name where the file gives none.
  std::string_view named_by{};
  Untold (*untold)(const Settings&) =
      nullptr;  ///< of settings that have passed the check; nullptr: tells all

  // Of a target.
  bool has_limits = true;       ///< replicas have limits of CPU and memory (cpu.limit_pct, mem.limit_pct)
  bool chooses_victims = true;  ///< docktor says which replicas stop; otherwise the engine does
  bool this_host_only = false;  ///< replicas live on docktor's own host
  bool fenced =
      false;  ///< orders carry the state that they rest on: daemons of several hosts may act in turns
};

/// A row of the table of kinds: what a configuration needs, and the factory. One factory a process.
struct QueueKind {
  const KindKeys* keys;
  std::unique_ptr<QueueFactory> (*make)(const FactoryOptions&);
};
struct TargetKind {
  const KindKeys* keys;
  std::unique_ptr<TargetFactory> (*make)(const FactoryOptions&);
};

/// All kinds that this program has.
struct Kinds {
  std::span<const KindKeys* const> queues;
  std::span<const KindKeys* const> targets;
  /// Of the address of a receiver of notifications; the error says what is wrong with it. nullptr: none is checked.
  Result<ReceiverTraits> (*receiver)(std::string_view url) = nullptr;

  const KindKeys* queue(std::string_view name) const;
  /// Of one queue whose settings have passed the check. Nothing of a kind that there is not.
  Untold untold(const QueueSpec& queue) const;
  const KindKeys* target(std::string_view name) const;
};

/// The sort of thing that a kind is of, as mistakes and pages call it.
struct KindSort {
  std::string_view word;  ///< "queue", "target"
  std::string_view path;  ///< "services[].queue."
  std::span<const KindKeys* const> kinds;
  const Knob* name = nullptr;  ///< one of several: its key `name`
};
KindSort queue_sort(const Kinds& kinds);
KindSort queues_sort(const Kinds& kinds);  ///< of several: the same kinds, and each has a name
KindSort target_sort(const Kinds& kinds);

/// The keys of kinds that may stand at the top of the file, for all services.
std::vector<const Knob*> whole_file_knobs(const Kinds& kinds);

/// The key `kind` of that sort and the texts behind it.
struct KindKnob {
  explicit KindKnob(const KindSort& sort);
  KindKnob(const KindKnob&) = delete;
  KindKnob& operator=(const KindKnob&) = delete;
  std::string meaning, implied, choices;
  Knob knob;
};

/// What was read of a queue or a target. `kind` is nullptr where `kind:` is mistaken.
struct ReadKind {
  const KindKeys* kind = nullptr;
  Settings settings;
  std::string identity;
  std::string shown;
  std::string name;    ///< of one of several; else, and where neither file nor kind gives a good one, empty
  Position name_at{};  ///< where it is written, else where the map begins
};

/// `node` may be nullptr: then the implied kind is read from an empty map at the service's place. `service`
/// is how mistakes call the service.
ReadKind read_kind(ConfigContext& context, const KindSort& sort, const YamlNode* node, std::string service,
                   Position service_at);

}  // namespace docktor
