// The right to act, as a Lease object of a Kubernetes cluster; beside it a ConfigMap with what a leader leaves.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/finding.h"
#include "core/lease.h"
#include "core/lease_spec.h"
#include "kube/client.h"
#include "leases/kubernetes/election.h"
#include "leases/kubernetes/legacies.h"

namespace docktor {

/// Connections of its own: nothing that services ask of the API server delays a renewal. Its thread only competes;
/// whether the lease is held is asked of the clock, at each call of term().
class KubernetesLease final : public Lease {
 public:
  KubernetesLease(LeaseSpec spec, LeaseParts parts, KubeAccess access);
  ~KubernetesLease() override;

  /// Waits three seconds at most.
  void begin() override;
  /// Waits four seconds at most. Nothing is lost where the server does not answer: others then wait as after a crash.
  void release() override;

  LeaseStanding standing() const override;
  std::optional<LeaseTerm> term(Time now) const override;
  Legacy left(const std::string& service) const override;
  void leave(const std::string& service, Legacy legacy) override;
  void once_left(std::function<void(Result<void>)> done) override;
  void keep(const std::vector<std::string>& services) override;

 private:
  // All on the client's loop.
  void turn();
  void read();
  void write();
  void wrote(const KubeAnswer& answer, LeaseRecord record, Time sent);
  void read_legacies(std::function<void()> then);
  void write_legacies(std::function<void()> then);
  void wrote_legacies(const KubeAnswer& answer, const nlohmann::json& patch,
                      const std::function<void()>& then);
  void answer_left(const Result<void>& result);
  void failed(const std::string& what, const Error& error);
  void next_turn();
  void publish();
  void hand_over();

  std::string lease_path() const;
  std::string map_path() const;
  std::string where() const;
  Duration patience() const;

  const LeaseSpec spec_;
  const LeaseParts parts_;
  const std::string namespace_;
  const std::string me_;

  nlohmann::json object_;  // the Lease as last seen; null: there is none, or it has to be read first
  bool fresh_ = false;     // object_ is what is there, as far as known
  bool warm_ = false;      // what the leader before left was read since the lease is ours
  EventLoop::SteadyTime turned_{};
  bool map_there_ = false, map_denied_ = false, writing_map_ = false;
  EventLoop::SteadyTime map_written_{}, map_failed_{};
  using Left = std::function<void(Result<void>)>;
  std::vector<Left> asked_, being_left_;  // of once_left: not written yet; being written
  std::size_t told_left_out_ = 0;
  std::string told_trouble_;
  bool busy_ = false;  // a turn is under way
  bool handing_over_ = false;
  std::function<void()> releasing_;  // called when all is given up

  mutable std::mutex mutex_;  // guards what follows
  Election election_;
  Legacies legacies_;
  bool ready_ = false;  // warm_, and not released
  bool released_ = false;
  std::string trouble_;

  KubeClient client_;  // last: its loop uses what stands above
};

/// The error says which cluster is not to be found.
Result<std::unique_ptr<Lease>> open_kubernetes_lease(const LeaseSpec& spec, LeaseParts parts);

/// For `config validate`: whether the cluster answers, who leads, and which rights lack. Blocking, for seconds.
std::vector<Finding> check_kubernetes_lease(const LeaseSpec& spec);

inline constexpr LeaseRow kKubernetesLease{"kubernetes", open_kubernetes_lease, check_kubernetes_lease};

}  // namespace docktor
