// A Deployment under the suite that every kind of target runs.
#include <string>

#include "tests/contract/target_contract.h"
#include "tests/kubernetes/stage.h"

namespace docktor::test {
namespace {

class DeploymentUnderTest final : public TargetUnderTest {
 public:
  DeploymentUnderTest() : ns_(plane().new_namespace()) {
    for (const char* name : {"worker", "other"})
      plane().kubectl("apply -n " + ns_ + " -f -", manifest({.name = name}));
    EXPECT_TRUE(eventually([&] { return running().size() == 1 && neighbours().size() == 1; }));
  }
  ~DeploymentUnderTest() override { plane().kubectl("delete namespace --wait=false " + ns_); }

  std::unique_ptr<Target> open() override {
    auto access = find_kube_access({.kubeconfig = plane().kubeconfig_of("docktor", ns_)});
    EXPECT_TRUE(access);
    if (!cluster_) cluster_ = std::make_unique<KubeCluster>(*access, KubeWatchCare{});
    KubernetesOptions o{.service = "worker", .spec = {}, .state_directory = {}, .on_change = [] {}};
    o.spec.workload = *parse_workload("deployment/worker");
    o.spec.kubeconfig = plane().kubeconfig_of("docktor", ns_);
    return std::make_unique<KubernetesTarget>(std::move(o), *cluster_, clock_);
  }
  std::set<std::string> running() override { return pods("worker"); }
  std::set<std::string> neighbours() override { return pods("other"); }

 private:
  static ControlPlane& plane() { return ControlPlane::shared(); }
  std::set<std::string> pods(const std::string& app) const {
    std::set<std::string> names;
    const auto list = plane().get("-n " + ns_ + " pods -l app=" + app);
    for (const auto& pod : list["items"]) {
      if (!pod["metadata"].contains("deletionTimestamp"))
        names.insert(pod["metadata"]["name"].get<std::string>());
    }
    return names;
  }

  const std::string ns_;
  RealClock clock_;
  std::unique_ptr<KubeCluster> cluster_;
};

INSTANTIATE_TEST_SUITE_P(Kubernetes, TargetContract,
                         testing::Values(TargetKindUnderTest{
                             .name = "Deployment",
                             .open = [] { return std::make_unique<DeploymentUnderTest>(); },
                             .why_not =
                                 [] {
                                   return ControlPlane::binaries().empty()
                                              ? "no Kubernetes control plane: scripts/fetch-kubernetes.sh"
                                              : std::string();
                                 }}),
                         target_name);

}  // namespace
}  // namespace docktor::test
