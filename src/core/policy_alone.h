// The service as its policy alone would have it: what advice is measured against.
#pragma once

#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "core/limits.h"
#include "core/observation.h"
#include "core/policy.h"

namespace docktor {

/// Replicas that a model added, or kept, drain the backlog, so that thresholds ask for their next step later
/// than they would have: at the next burst the service would have fewer replicas for having had more. So the
/// service without advice is carried on beside the real one, from the first decision that advice changed
/// until both are the same again: its replicas, and how many messages it would be behind. Its policy decides
/// on what it would see, within the same limits, and the real service never has fewer replicas than that.
///
/// A replica carries c messages/s, measured while messages wait: settled / (ready replicas * time), the last
/// half minute weighing most. In a sample's interval dt in which the n ready replicas settled s messages, the
/// n' <= n that there would be settle
///     s' = s * n'/n                                     while messages wait (all replicas are at work)
///     s' = n' * c * dt, between s * n'/n and s + behind  else; s + behind while c is unknown
/// and behind grows by s - s', never below 0. CPU of a replica is that of the real one, times (s'/n')/(s/n).
/// n' counts replicas that would be ready: those that there would have been throughout the time that a start
/// takes, as measured, and no more than are ready.
///
/// Deterministic; not thread-safe.
class PolicyAlone {
 public:
  explicit PolicyAlone(Duration metrics_window) : window_(metrics_window) {}

  /// Each sample of the real service, in order of time.
  void observe(const Observation& sample);

  /// Advice changes the decision `d`, the last one. `limits` are as that decision left them; `policy` is a
  /// copy of the service's. Nothing happens while it is carried on. Samples may have come since: the outcome
  /// is as if they had come afterwards.
  void part(const Limits& limits, std::unique_ptr<Policy> policy, const Decision& d);

  /// How many replicas there would be now, while that is carried on; `real` is what the service's own policy
  /// is asked about. To be called once per evaluation, before the service's own `limits` are: where both are
  /// the same again, those go on with what the policy alone remembers.
  std::optional<int> evaluate(const Situation& real, const Overrides& overrides, Limits& limits);

  /// What the real service was ordered, advice included. Where it does not come to that (somebody else
  /// scales, a dry run, an order that failed), the comparison ends.
  void decided(int target) { decided_ = target; }

  bool carried_on() const { return policy_ != nullptr; }
  double behind() const { return behind_; }  ///< messages that it would still have to do

  void save(nlohmann::json& state) const;
  /// `policy` as with part(); anything missing or absurd is ignored.
  void restore(const nlohmann::json& state, std::unique_ptr<Policy> policy, const Limits& limits, Time now);

 private:
  struct Before {
    double pending = 0;
    int current = 0, ready = 0;
  };
  // What a sample says of the time since the one before, with what was known then.
  struct Step {
    Time at;
    Duration length{};
    double settled = 0, replicas = 0, in_hand = 0;
    bool waiting = false;            // throughout, as far as samples tell
    std::optional<double> capacity;  // c
    Duration start{};
    bool reset = false;  // the queue was made anew
  };
  // What one sample would have shown without advice, less what it showed.
  struct Difference {
    Time at;
    double pending = 0, in_hand = 0, settled = 0;
    Duration length{};  // since the sample before
    double load = 1;    // factor on the CPU of a replica
  };

  using Counts = std::deque<std::pair<Time, int>>;

  void learn_start(Time now, int before, const ReplicaCounts& replicas);
  void learn_capacity(double settled, double replicas, double dt);
  std::optional<double> capacity() const {
    return worked_ > 0 ? std::optional(settled_ / worked_) : std::nullopt;
  }
  void take(const Step& step);
  int ready(Time now, Duration start) const;
  void ordered(Time now, int replicas);
  void end();
  Difference newest() const { return differences_.empty() ? Difference{} : differences_.back(); }
  void apply(const Difference& d, Observation& o) const;
  Difference mean(Time now) const;

  Duration window_;
  double settled_ = 0, worked_ = 0;               // c: messages, and replica-seconds, both fading
  std::optional<Before> last_;                    // queue sample
  std::optional<std::pair<Time, int>> starting_;  // since when, and how many there will be
  Duration start_{};                              // what a start takes
  std::vector<Step> since_;  // the last evaluation, while nothing is carried on: advice may come late
  std::unique_ptr<Policy> policy_;
  std::optional<Limits> limits_;
  Counts replicas_;  // since when how many: what is within a start's time, the newest last
  int decided_ = 0;
  double behind_ = 0;
  std::deque<Difference> differences_;
};

}  // namespace docktor
