// What docktor knows of one workload: its number, its pods, and what somebody else did about them.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/killed_stops.h"
#include "core/led.h"
#include "core/target.h"
#include "targets/kubernetes/facts.h"
#include "targets/kubernetes/pod.h"

namespace docktor {

/// What outlives docktor.
struct WorkloadMemory {
  std::optional<int> desired;   ///< the number, as last seen or ordered
  std::optional<int> sent;      ///< a number that docktor has sent, and whose answer is not known
  std::string stopped_by_hand;  ///< see TargetReport
  friend bool operator==(const WorkloadMemory&, const WorkloadMemory&) = default;
};

/// Pure: no I/O, no thread, no clock.
class WorkloadState {
 public:
  explicit WorkloadState(WorkloadName workload) : workload_(std::move(workload)) {}

  void restore(WorkloadMemory memory) { memory_ = std::move(memory); }
  const WorkloadMemory& memory() const { return memory_; }

  /// Its whole name, once it is known.
  void named(WorkloadName workload) { workload_ = std::move(workload); }
  const WorkloadName& workload() const { return workload_; }

  void on_scale(const ScaleView& scale,
                Time now);  ///< as read: a number that docktor did not order is somebody else's
  /// Before an order goes out: what is read may show it sooner than the answer comes, and an answer may never come.
  void on_sent(int replicas) { memory_.sent = replicas; }
  void on_refused() { memory_.sent.reset(); }           ///< it was surely not carried out
  void on_own_scale(const ScaleView& scale, Time now);  ///< the answer to docktor's own order
  const std::optional<ScaleView>& scale() const { return scale_; }
  void on_facts(std::optional<WorkloadFacts> facts);

  /// Whether the pod is one of the workload's, by selector and owner.
  bool owns(const KubePod& pod) const;
  void set_pods(std::vector<KubePod> pods);  ///< all there are
  void on_pod(KubePod pod);
  void on_pod_gone(const std::string& name);
  const std::map<std::string, KubePod>& pods() const { return pods_; }

  void set_autoscaler(std::string text) { autoscaler_ = std::move(text); }  ///< why to hold; empty: none
  void resume();
  /// Another docktor or another autoscaler sets the number: whatever it becomes is no person's doing, and no fight.
  void follow() { follows_ = true; }
  void lead(const LedBefore& before);  ///< no longer
  void news(std::string text);

  /// Which pods shall go first where `fewer` are to stop, those of which it has to be said: ready ones.
  std::set<std::string> idlest(int fewer, const std::map<std::string, double>& busyness) const;

  /// The report will be another one without anything happening.
  bool waits_for_time() const { return short_since_ || !undone_.empty() || waits_; }

  TargetReport report(Time now);  ///< without problem and news
  std::vector<std::string> take_news() { return std::exchange(news_, {}); }

 private:
  void found(const ScaleView& scale);
  void foreign_change(int from, int to, Time now);
  std::vector<Replica> missing(int live, bool all_ready, Time now);

  WorkloadName workload_;
  WorkloadMemory memory_;
  std::optional<ScaleView> scale_;
  mutable std::optional<std::pair<std::string, std::optional<LabelSelector>>> selector_;  // of that text
  std::optional<WorkloadFacts> facts_;
  std::map<std::string, KubePod> pods_;  // by name
  KilledStops killed_stops_;
  std::string autoscaler_;
  bool follows_ = false;
  bool ordered_since_ = false;  // docktor has set the number since somebody else last did
  std::deque<Time> undone_;     // when somebody undid what docktor had ordered
  std::string undone_by_;
  std::string told_stuck_;
  std::optional<Time> short_since_;  // fewer pods than wanted
  bool waits_ = false;               // a pod that has ended at once, and works again, may yet do so
  std::vector<std::string> news_;
};

}  // namespace docktor
