// Custom resources: anything with a /scale, and KEDA's own objects.
#include "tests/kubernetes/stage.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;

constexpr const char* kDefinition = R"(apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {0}.{1}}}
spec:
  group: {1}
  names: {{plural: {0}, singular: {2}, kind: {3}}}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
    subresources: {{{4}}}
)";

class CustomResourceTest : public KubernetesTest {
 protected:
  void define(const std::string& plural, const std::string& group, const std::string& kind,
              const std::string& subresources) const {
    auto singular = kind;
    for (auto& c : singular) c = static_cast<char>(::tolower(c));
    kubectl("apply -f -", fmt::format(kDefinition, plural, group, singular, kind, subresources));
    kubectl(fmt::format("wait --for=condition=Established --timeout=60s crd/{}.{}", plural, group));
  }
};

TEST_F(CustomResourceTest, AnythingWithAScaleIsScaled) {
  define("things", "docktor.test", "Thing",
         "scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: "
         ".status.selector}");
  define("stones", "docktor.test", "Stone", "status: {}");
  kubectl(
      "create role things --verb=get,list,watch,patch "
      "--resource=things.docktor.test,things.docktor.test/scale");
  kubectl("create rolebinding things --role=things --user=docktor");
  kubectl("apply -f -",
          R"({apiVersion: docktor.test/v1alpha1, kind: Thing, metadata: {name: t}, spec: {replicas: 1}})");
  auto w = watch("things.docktor.test/t");
  EXPECT_THAT(w->problem("selector"), HasSubstr("tells no selector, so that its pods cannot be found"));
  kubectl(
      "patch things.docktor.test t --type=merge -p '{\"status\": {\"selector\": \"app=thing\", \"replicas\": "
      "1}}'");
  kubectl("run a --image=worker --labels=app=thing --command -- sleep infinity");
  w->with_ready(1);
  const auto done = w->decided(2);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(get("things.docktor.test/t")["spec"]["replicas"], 2);
  EXPECT_EQ(w->report().desired, 2);
  EXPECT_THAT(w->findings(), HasSubstr("ok: things.docktor.test t in namespace " + ns + ": 2 replicas"));
  watch("docktor.test/v1alpha1/Thing/t")->once([](const TargetReport& t) { return t.desired == 2; });
  EXPECT_THAT(watch("stones.docktor.test/s")->problem("no /scale"),
              HasSubstr("stones.docktor.test has no /scale"));
  EXPECT_THAT(watch("widgets.not.there/s")->problem("no API"),
              HasSubstr("the cluster has no API not.there; is its operator installed?"));
}

TEST_F(CustomResourceTest, AScaledObjectOfKedaIsNamedRatherThanItsAutoscaler) {
  define("scaledobjects", "keda.sh", "ScaledObject", "status: {}");
  apply({});
  kubectl("autoscale deployment worker --name keda-hpa-so --max=5");
  kubectl(
      "apply -f -",
      R"({apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: so}, spec: {scaleTargetRef: {name: worker}}})");
  const auto uid = get("scaledobject/so")["metadata"]["uid"].get<std::string>();
  kubectl(fmt::format(
      "patch hpa keda-hpa-so --type=merge -p '{{\"metadata\": {{\"ownerReferences\": [{{\"apiVersion\": "
      "\"keda.sh/v1alpha1\", \"kind\": \"ScaledObject\", \"name\": \"so\", \"uid\": \"{}\"}}]}}}}'",
      uid));
  auto w = watch();
  const auto r = w->once([](const TargetReport& t) { return t.hold.find("KEDA") != std::string::npos; });
  EXPECT_THAT(r.hold, HasSubstr("KEDA's ScaledObject so scales it, too"));
  EXPECT_THAT(r.hold, HasSubstr("kubectl delete scaledobject so -n " + ns));
  kubectl("delete hpa keda-hpa-so");
  w->once([](const TargetReport& t) { return !t.hold.empty(); });
  kubectl("delete scaledobject so");
  w->once([](const TargetReport& t) { return t.hold.empty(); });
  kubectl("delete crd scaledobjects.keda.sh");
}

}  // namespace
}  // namespace docktor::test
