// The policy that is given a goal, not thresholds: of 100 messages, 99 wait at most `max_wait`.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/policy.h"
#include "core/spec.h"
#include "policy/objective/arrivals.h"
#include "policy/objective/bottleneck.h"
#include "policy/objective/capacity.h"
#include "policy/objective/dead_hands.h"
#include "policy/objective/evidence.h"
#include "policy/objective/hand.h"
#include "policy/objective/in_use.h"
#include "policy/objective/lateness.h"
#include "policy/objective/net_flow.h"
#include "policy/objective/plan.h"
#include "policy/objective/reaction.h"
#include "policy/objective/rhythm.h"
#include "policy/objective/startup.h"
#include "policy/objective/surprise.h"
#include "policy/objective/too_few.h"
#include "policy/objective/trend.h"
#include "policy/objective/warm_up.h"

namespace docktor {

/// The law, in one paragraph (docs/objective.md derives it). A message that came at s has until s + max_wait
/// to be begun, and a replica that is ordered now works after the start-up. So nothing has to be forecast as
/// long as start-up and check interval fit into max_wait: the load of the last seconds is known exactly, and
/// serving it at its deadlines is a pure delay. The policy orders the fewest replicas with which all
/// deadlines are met (plan.h), as late as that allows; it removes replicas when the backlog is gone, but
/// never below what the arrivals' level needs, nor below what proved too few for such a load (too_few.h).
/// Draining costs nothing in replica-seconds, starting costs the start-up, idling costs all the time: so no
/// replica idles but while it starts. Where start-up and check interval do not fit into max_wait, headroom is
/// kept as learned (surprise.h), and forecasts are followed that have proved themselves (rhythm.h, trend.h).
///
/// Everything but the objective is learned from samples: nothing else is configured. What is learned of the
/// workers rests on the samples before the newest, which itself only tells what waits and what came: so one
/// sample with more work never asks for fewer replicas. Deterministic; not thread-safe.
class ObjectivePolicy final : public Policy {
 public:
  explicit ObjectivePolicy(const ServiceSpec& spec);

  void observe(const Observation& sample) override;
  Recommendation recommend(const Situation& situation) override;
  void save(nlohmann::json& state) const override;
  void restore(const nlohmann::json& state) override;

 private:
  static constexpr double kShareOfWait = 0.95;  ///< that an order may take without headroom being needed

  objective::Outlook outlook(const Situation& in) const;
  void look_ahead(const Situation& in, double horizon, objective::Outlook& o) const;
  bool follows_rhythm() const { return blind() > 0 && rhythm_.proven(); }
  // Within less than max_wait a load grows by little, and what comes more can wait that long.
  bool looks_for_trend() const { return blind() > max_wait_; }
  bool follows_trend() const { return looks_for_trend() && !rhythm_.proven() && trend_.proven(); }
  struct Expected {
    double rate = 0, headroom = 0;  // messages per second
    double refused = 0;             // likewise: headroom that max_headroom does not allow
    double late = 0;                // share of the messages that come too fast for it, by the last hours
  };
  Expected expected(Time now) const;
  // What a decision rests on, and between which numbers it lies.
  struct Wants {
    objective::Outlook plan;
    double pending = 0, oldest = 0;  // messages, seconds
    Expected soon;
    double free = 0, lacking = 0;  // replicas: headroom, and what the deadlines want more
    int floor = 0, least = 0, most = 0;
    int steady = 0, busy = 0, enough = 0, proven = 0;
  };
  void find_least(const Situation& in, Wants& w) const;
  void find_most(const Situation& in, Wants& w);
  double needed_in_the_long_run(const Wants& w, double load_error) const;
  Recommendation chosen(const Situation& in, const Wants& w);
  std::vector<std::pair<std::string, double>> numbers(const Wants& w, Time now) const;
  double rhythm_rate(Time now) const;
  void learn_rhythm(const objective::Slot& slot);
  void learn_trend(const objective::Slot& slot);
  void learn_lateness(const objective::Gauges& now, const Flow& flow);
  double wait_in_queue() const;
  void add_starting(const Situation& in, double age, objective::Outlook& o) const;
  std::optional<Flow> inferred_flow(const Observation& sample, const objective::Gauges& now);
  void learn_workers();
  void learn_unfinished(const objective::Gauges& now, const std::optional<Flow>& flow);
  void learn_warm_up(const objective::Span& span);
  objective::Span judge(const objective::Evidence& e);
  double hand_wait() const;
  std::pair<double, double> load_while_it_grew() const;
  double patience(double deviations) const;
  double blind() const;
  double seconds_of_a_hand() const;
  bool stands_still(const Situation& in) const;
  bool quiet(const Situation& in) const;
  int at_long_jobs(const Situation& in) const;
  int short_if_first_jobs_are_typical(const Situation& in);
  Recommendation before_capacity_is_known(const Situation& in);

  double max_wait_;
  double quantile_;
  double max_headroom_;
  double check_;        // seconds between decisions
  double longest_gap_;  // seconds between two samples that teach anything
  int min_replicas_;
  objective::Arrivals arrivals_;
  objective::DeadHands dead_;
  objective::Hand hand_;
  objective::WarmUp warm_up_;
  objective::Capacity capacity_;
  objective::StartUp startup_;
  objective::Reaction reaction_;
  objective::Surprise surprise_;
  objective::Rhythm rhythm_;
  objective::Surprise rhythm_surprise_;
  objective::Trend trend_;
  objective::Surprise trend_surprise_;
  objective::Lateness lateness_;
  objective::TooFew too_few_;
  objective::InUse in_use_;
  objective::Bottleneck bottleneck_;
  objective::NetFlow net_flow_;  // of a queue that counts nothing
  std::optional<objective::Gauges> last_;
  std::optional<objective::Gauges> flow_from_;  // as of where the next flow begins: last_, or earlier
  std::optional<objective::Evidence> newest_;   // not learned from yet
  std::optional<Time> gap_at_;                  // the first sample after a gap
  std::optional<Time> doubled_at_;              // while the capacity is unknown ...
  int doubled_from_ = 0;      // ... from so many replicas; as many still: it did not come about
  double falling_ = 0;        // messages a second that fewer wait, by the last two samples
  bool stood_still_ = false;  // the consumers did, as of the last sample
  bool counts_ = false;       // the queue counts what flows, as far as was seen
  double working_ = 0;        // replicas that work, as of the last evidence
  double unfinished_ = 0;     // replica-seconds of work while no message was finished yet
  double taken_ = 0;          // messages that workers took lately, over some jobs' time
  double headroom_ = 0;       // kept, messages per second
  double planned_rate_ = 0;   // capacity, as plans take it
};

}  // namespace docktor
