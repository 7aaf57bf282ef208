// One workload that docktor scales, on its cluster's loop: what is watched of it, and the order under way.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "os/gate.h"
#include "targets/kubernetes/kubernetes.h"
#include "targets/kubernetes/workload_state.h"

namespace docktor {

/// Everything but report(), take_report() and close() runs on the loop. Callbacks hold it weakly.
class KubernetesTarget::Service : public std::enable_shared_from_this<Service> {
 public:
  using Done = std::function<void(Result<std::string>)>;

  Service(KubernetesOptions options, KubeCluster& cluster, const Clock& clock);

  void begin();
  void end();
  void order(ScaleOrder order, Done done);
  void resume();
  void follow();
  void lead(const Lease& lease, const LedBefore& before);

  TargetReport report();           ///< any thread
  void close() { gate_.close(); }  ///< any thread: on_change is not called any more

 private:
  struct Order {
    ScaleOrder what;
    Done done;
    int from = 0;
    std::size_t marks_left = 0;
    std::optional<LeaseTerm> term;  // when it was given
  };
  using Posted = std::shared_ptr<Order>;

  template <class F>
  auto guarded(F f);

  void watch_all(WorkloadName w);
  void read_scale_now();
  void take_scale(const KubeAnswer& answer);
  void poll();
  void look_at_pods();
  void look_at_autoscalers();

  void mark(const Posted& o);
  void mark_idlest(const Posted& o);
  void patch(const Posted& o);
  void patched(const Posted& o, const KubeAnswer& answer);
  void unmark(const std::set<std::string>& keep);
  void answer(const Posted& o, Result<std::string> result);

  std::string trouble() const;
  void changed();
  void remember();

  const KubernetesOptions options_;
  KubeCluster& cluster_;
  const Clock& clock_;
  const std::string namespace_;

  WorkloadState state_;
  std::shared_ptr<KubeCluster::Pods> pods_;
  std::shared_ptr<KubeCluster::Workloads> workloads_;
  std::shared_ptr<KubeCluster::Autoscalers> hpas_, scaled_objects_;
  int pods_id_ = 0, workloads_id_ = 0, hpas_id_ = 0, scaled_objects_id_ = 0;

  const Lease* lease_ = nullptr;  // under which docktor acts; nullptr: alone
  Posted order_;
  bool reading_ = false;     // a GET of /scale is under way
  bool read_again_ = false;  // and what it answers may be old
  std::uint64_t writes_ = 0;
  std::optional<Error> scale_trouble_;
  std::optional<EventLoop::Timer> timer_;
  std::vector<Posted> conflicts_;  // answered once /scale was read anew
  bool cannot_mark_ = false;       // told
  bool ended_ = false;
  WorkloadMemory saved_;

  Gate gate_;
  std::mutex mutex_;
  TargetReport shown_;             // under mutex_
  std::vector<std::string> news_;  // under mutex_; handed out once
};

}  // namespace docktor
