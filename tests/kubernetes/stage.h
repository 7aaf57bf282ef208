// A namespace of the shared control plane, and docktor's target on a workload in it.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "os/real_clock.h"
#include "targets/kubernetes/kubernetes.h"
#include "tests/kubernetes/control_plane.h"
#include "tests/support/missing.h"
#include "tests/support/patience.h"

namespace docktor::test {

/// A target, and what its reports have said so far.
class Watched {
 public:
  Watched(const std::string& kubeconfig, const std::string& workload, const std::string& state_directory = {},
          KubeWatchCare care = {.first_pause = std::chrono::milliseconds(50),
                                .longest_pause = std::chrono::milliseconds(500)},
          bool advise_only = false) {
    auto access = find_kube_access({.kubeconfig = kubeconfig});
    EXPECT_TRUE(access) << (access ? "" : access.error().message);
    cluster_ = std::make_unique<KubeCluster>(*access, care);
    KubernetesOptions o{
        .service = "worker", .spec = {}, .state_directory = state_directory, .on_change = [this] {
          ++changes_;
        }};
    o.spec.workload = *parse_workload(workload);
    o.spec.kubeconfig = kubeconfig;
    o.spec.advise_only = advise_only;
    target_ = std::make_unique<KubernetesTarget>(std::move(o), *cluster_, clock_);
  }
  ~Watched() { target_.reset(); }

  KubernetesTarget& target() { return *target_; }
  KubeCluster& cluster() { return *cluster_; }

  TargetReport report() {
    auto r = target_->report();
    for (const auto& n : r.news) news_ += n + "\n";
    return r;
  }
  const std::string& news() {
    report();
    return news_;
  }

  /// The first report that the condition holds for, and that is free of a problem.
  template <class Condition>
  TargetReport once(Condition&& holds) {
    TargetReport r;
    EXPECT_TRUE(eventually([&] {
      r = report();
      return r.problem.empty() && holds(r);
    })) << text(r);
    return r;
  }
  TargetReport with_ready(int n) {
    return once([n](const TargetReport& r) {
      return count(r).ready == n && count(r).current == n && static_cast<int>(r.replicas.size()) == n;
    });
  }
  std::string problem(const std::string& part) {
    TargetReport r;
    EXPECT_TRUE(eventually([&] { return (r = report()).problem.find(part) != std::string::npos; }))
        << text(r);
    return r.problem;
  }

  Result<std::string> order(int replicas, const std::string& version = {},
                            std::map<std::string, double> busyness = {}) {
    auto answer = std::make_shared<std::promise<Result<std::string>>>();
    auto future = answer->get_future();
    target_->scale({replicas, std::move(busyness), version},
                   [answer](Result<std::string> r) { answer->set_value(std::move(r)); });
    return future.get();
  }

  /// As the controller orders: with the version of a report, and anew where the workload has changed since.
  Result<std::string> decided(int replicas, const std::map<std::string, double>& busyness = {}) {
    Result<std::string> r;
    EXPECT_TRUE(eventually([&] {
      r = order(replicas, report().version, busyness);
      return r || r.error().code != ErrorCode::kConflict;
    }));
    return r;
  }

  std::string findings() {
    std::string out;
    for (const auto& f : target_->check()) {
      out += f.severity == Severity::kOk        ? "ok: "
             : f.severity == Severity::kWarning ? "warning: "
                                                : "error: ";
      out += f.what + (f.cure.empty() ? "" : " -> " + f.cure) + "\n";
    }
    return out;
  }

  static std::string text(const TargetReport& r) {
    auto out = fmt::format("desired {} problem '{}' hold '{}' stopped '{}'\n", r.desired.value_or(-1),
                           r.problem, r.hold, r.stopped_by_hand);
    for (const auto& p : r.replicas) out += fmt::format("  {} {} {}\n", p.id, to_string(p.state), p.note);
    return out;
  }

 private:
  RealClock clock_;
  std::atomic<int> changes_ = 0;
  std::unique_ptr<KubeCluster> cluster_;
  std::unique_ptr<KubernetesTarget> target_;
  std::string news_;
};

class KubernetesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ControlPlane::binaries().empty()) {
      ns = plane().new_namespace();
      return;
    }
    SKIP_FOR_WANT_OF("no Kubernetes control plane: scripts/fetch-kubernetes.sh");
  }
  void TearDown() override {
    if (!ns.empty()) plane().kubectl("delete namespace --wait=false " + ns);
  }

  static ControlPlane& plane() { return ControlPlane::shared(); }
  void apply(const Manifest& m) const { plane().kubectl("apply -n " + ns + " -f -", manifest(m)); }
  std::string kubectl(const std::string& arguments, const std::string& input = {}) const {
    return plane().kubectl("-n " + ns + " " + arguments, input);
  }
  nlohmann::json get(const std::string& what) const { return plane().get("-n " + ns + " " + what); }
  std::unique_ptr<Watched> watch(const std::string& workload = "deployment/worker",
                                 const std::string& user = "docktor") const {
    return std::make_unique<Watched>(plane().kubeconfig_of(user, ns), workload);
  }

  std::string ns;
};

}  // namespace docktor::test
