// The keys of kind kubernetes: what is refused, with the words, and what they mean.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "targets/kubernetes/kubernetes_spec.h"
#include "tests/config/test_files.h"

namespace docktor::kubernetes_keys {
namespace {

using ::testing::HasSubstr;

LoadResult load(const std::string& keys) {
  return load_text(
      "services:\n  - name: web\n    max_replicas: 3\n    queue: {url: 'nats://n', stream: S, consumer: C}\n"
      "    objective: {max_wait: 5s}\n    target: {kind: kubernetes" +
      keys + "}\n");
}

KubernetesSpec spec(const std::string& keys) {
  const auto r = load(keys);
  EXPECT_TRUE(r.config) << fmt::format("{}", fmt::join(r.mistakes, " | "));
  return r.config ? KubernetesSpec::from(r.config->services.front().target.settings, "web")
                  : KubernetesSpec{};
}

std::string mistake(const std::string& keys) {
  return fmt::format("{}", fmt::join(load(keys).mistakes, " | "));
}

TEST(KubernetesKeys, TheLeastIsTheDeploymentOfTheServicesName) {
  EXPECT_EQ(spec("").workload.shown(), "deployment web");
  EXPECT_TRUE(spec("").choose_idle);
  const auto more =
      spec(", workload: statefulset/db, namespace: shop, context: prod, kubeconfig: /k, choose_idle: false");
  EXPECT_EQ(more.workload.shown(), "statefulset db");
  EXPECT_EQ(more.namespace_, "shop");
  EXPECT_EQ(more.context, "prod");
  EXPECT_EQ(more.kubeconfig, "/k");
  EXPECT_FALSE(more.choose_idle);
}

TEST(KubernetesKeys, AnotherAutoscalerMaySetTheNumber) {
  EXPECT_FALSE(spec("").advise_only);
  EXPECT_FALSE(spec(", scaled_by: docktor").advise_only);
  EXPECT_TRUE(spec(", scaled_by: another").advise_only);
  EXPECT_THAT(mistake(", scaled_by: keda"), HasSubstr("docktor, another"));
}

TEST(KubernetesKeys, MistakesSayWhatToWrite) {
  EXPECT_THAT(mistake(", workload: pods/web"),
              HasSubstr("names no object; write deployment/NAME, statefulset/NAME"));
  EXPECT_THAT(mistake(", workload: 'deployment/a?b'"), HasSubstr("names no object"));
  EXPECT_THAT(mistake(", namespace: 'a/b'"), HasSubstr("is no namespace's name"));
  EXPECT_THAT(mistake(", kubeconfig: config"), HasSubstr("neither an absolute path nor one under ~/"));
}

}  // namespace
}  // namespace docktor::kubernetes_keys
