// What the user asked for, as plain values: filled by config, read by everything else. No defaults hide
// elsewhere.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/metric.h"
#include "core/settings.h"
#include "core/time.h"

namespace docktor {

/// Of one service: a configuration may ask for no more, and no target starts more, whoever made the mistake.
inline constexpr int kMaxReplicas = 100'000;

enum class Op { kGreater, kGreaterEqual, kLess, kLessEqual, kEqual, kNotEqual };

struct Rule {
  Metric metric = Metric::kQueueBacklog;
  Op op = Op::kGreater;
  double value = 0;
  std::string metric_text;  ///< as written ("cpu.avg_pct")
  std::string value_text;   ///< as written ("500"), for reasons
  std::string queue{};      ///< the one of several that it looks at; empty: all together
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// The seeds' rules: up when any of `scale_up_when` holds, down when all of `scale_down_when` hold; up wins.
struct RulesSpec {
  std::vector<Rule> scale_up_when;
  std::vector<Rule> scale_down_when;
  friend bool operator==(const RulesSpec&, const RulesSpec&) = default;
};

/// How rules act beside an objective: floor adds replicas only, veto stops scale-downs only.
enum class RulesMode { kFloor, kVeto };

/// A goal instead of thresholds: `quantile` of the messages wait at most `max_wait` from publish until a
/// worker begins.
struct ObjectiveSpec {
  Duration max_wait = std::chrono::seconds(5);
  double quantile = 0.99;
  double max_headroom =
      6;  ///< most that may stand by, over what the load (or min_replicas) needs in the mean
  friend bool operator==(const ObjectiveSpec&, const ObjectiveSpec&) = default;
};

struct LimitsSpec {
  int min_replicas = 1;
  int max_replicas = 1;
  int scale_up_by = 2;       ///< step of the rules, and the most that one decision adds
  int scale_down_by = 1;     ///< step of the rules, and the most that one decision removes
  bool steps_given = false;  ///< the user wrote a step; an objective is bounded by steps only then
  Duration cooldown_up{};    ///< least time from a change to the next scale-up; 0 = none
  Duration cooldown_down{};  ///< least time from a change to the next scale-down; 0 = none
  Duration
      stabilization{};  ///< a scale-down goes no lower than the highest recommendation of this long; 0 = none
  friend bool operator==(const LimitsSpec&, const LimitsSpec&) = default;
};

/// Other bounds at times of the calendar (src/schedule). One of the two bounds is there.
struct ScheduleEntry {
  std::string cron;  ///< "0 8 * * 1-5": when it begins, in local time
  Duration length{};
  std::string timezone;  ///< "Europe/Berlin"
  std::optional<int> min_replicas, max_replicas;
  friend bool operator==(const ScheduleEntry&, const ScheduleEntry&) = default;
};

/// The queue that the replicas work off. What it is, only its kind knows. Where they work on several, `parts` has
/// each, in the order of the file, `kind` and `settings` are empty, and the rest is of all together.
struct QueueSpec {
  std::string kind;      ///< "nats"
  std::string identity;  ///< of the queue, whatever way leads to it; what was learned holds for this one only
  std::string shown;     ///< for people, without credentials: "nats://host:4222 (EVENTS/WEB_WORKERS)"
  Settings settings;
  std::string name{};              ///< of one of several
  std::vector<QueueSpec> parts{};  ///< one level deep
  friend bool operator==(const QueueSpec&, const QueueSpec&) = default;
};

/// Where the replicas live.
struct TargetSpec {
  std::string kind;  ///< "process", "compose"
  Settings settings;
  friend bool operator==(const TargetSpec&, const TargetSpec&) = default;
};

enum class LlmMode { kOff, kExplain, kAdvise };

struct LlmSpec {
  std::string provider;  ///< dmr or openai
  std::string base_url;  ///< of the API, with its path; may carry credentials: shown through redacted_url()
  std::string model;
  LlmMode mode = LlmMode::kAdvise;
  Secret api_key;  ///< may be empty
  Duration timeout = std::chrono::seconds(10);
  int max_tokens = 256;                          ///< of one answer
  Duration max_delay = std::chrono::minutes(1);  ///< longest time that one answer puts a scale-down off
  friend bool operator==(const LlmSpec&, const LlmSpec&) = default;
};

struct ServiceSpec {
  std::string name;
  LimitsSpec limits;
  Duration check_interval = std::chrono::seconds(10);
  Duration sample_interval = std::chrono::seconds(1);
  Duration metrics_window = std::chrono::seconds(10);
  std::optional<RulesSpec> rules;
  std::optional<ObjectiveSpec> objective;
  RulesMode rules_mode = RulesMode::kFloor;
  std::vector<ScheduleEntry> schedule;
  int priority = 0;                ///< the higher one gets replicas first where max_total_replicas is short
  std::optional<QueueSpec> queue;  ///< or several together
  TargetSpec target;
  std::map<std::string, std::string>
      worker;  ///< habits as written (core/worker_habits.h), for the simulator alone

  /// Older than this, a sample is stale, and stale means hold.
  Duration stale_after() const { return std::max<Duration>(3 * sample_interval, std::chrono::seconds(5)); }
  /// Two samples that lie closer together tell no rate by themselves: what came at one instant is no thousand a second.
  Duration shortest_flow() const { return sample_interval / 2; }
  bool uses_cpu() const;        ///< whether a rule needs CPU or memory samples
  bool uses_one_queue() const;  ///< whether a rule looks at one of several queues
  friend bool operator==(const ServiceSpec&, const ServiceSpec&) = default;
};

/// One configuration file.
struct Config {
  std::string path;   ///< absolute path of the file; an instance's identity
  std::string shown;  ///< the path as the user typed it
  std::string version;
  std::size_t digest = 0;  ///< of the file's text: another one is another text
  std::vector<ServiceSpec> services;
  std::optional<int> max_total_replicas;  ///< of all services together
  std::optional<LlmSpec> llm;
};

std::string_view to_string(Op op);
std::string_view to_string(LlmMode mode);  ///< "off", "explain", "advise"

/// Whether `value op threshold` holds.
bool holds(double value, Op op, double threshold);

}  // namespace docktor
