// What goes wrong: an API server that is gone, rights and credentials that are missing, workloads that are not there.
#include <openssl/evp.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/kubernetes/stage.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string base64(const std::string& path) {
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  out.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                                      reinterpret_cast<const unsigned char*>(text.data()),
                                                      static_cast<int>(text.size()))));
  return out;
}

TEST_F(KubernetesTest, AServerThatIsKilledIsAProblemUntilItIsBack) {
  apply({.replicas = 2});
  auto w = watch();
  const auto before = w->with_ready(2);
  plane().kill();
  const auto problem = w->problem("does not answer");
  EXPECT_THAT(problem, HasSubstr("context test (https://127.0.0.1:"));
  const auto during = w->report();
  EXPECT_EQ(during.replicas.size(), 2u) << "the last ones known";
  const auto refused = w->order(3, during.version);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().retry);
  plane().start();
  w->with_ready(2);
  // Its watches live again: what happens now is seen.
  ASSERT_TRUE(w->order(3));
  w->with_ready(3);
  EXPECT_EQ(w->news(), "");
}

TEST_F(KubernetesTest, AServerThatStandsStillIsNoticed) {
  apply({});
  Watched w(plane().kubeconfig_of("docktor", ns), "deployment/worker", "",
            {.silence = std::chrono::seconds(3),
             .first_pause = std::chrono::milliseconds(50),
             .longest_pause = std::chrono::seconds(1)});
  w.with_ready(1);
  plane().pause();
  const auto r = w.order(2);
  EXPECT_FALSE(r);
  w.problem("does not answer");
  plane().resume();
  w.once([](const TargetReport& t) { return count(t).ready == count(t).current; });
}

TEST_F(KubernetesTest, AMissingWorkloadIsNamedAndSeenOnceItIsThere) {
  apply({.name = "workers"});
  auto w = watch();
  EXPECT_THAT(w->problem("is not there"), HasSubstr("deployment worker is not there in namespace " + ns));
  EXPECT_THAT(w->findings(), HasSubstr("error: deployment worker is not there in namespace " + ns +
                                       "; did you mean workers?"));
  EXPECT_FALSE(w->order(3));
  apply({});
  w->with_ready(1);
  kubectl("delete deployment worker");
  w->problem("is not there");
  apply({.replicas = 2});
  w->with_ready(2);
}

TEST_F(KubernetesTest, MissingRightsAreNamedWithTheLinesThatAreMissing) {
  apply({});
  auto nobody = watch("deployment/worker", "nobody");
  EXPECT_THAT(nobody->problem("forbidden"),
              HasSubstr("User \"nobody\" cannot get resource \"deployments/scale\""));
  const auto said = nobody->findings();
  EXPECT_THAT(said, HasSubstr("add to the rules of its Role: - {apiGroups: [\"apps\"], resources: "
                              "[\"deployments/scale\"], verbs: [get, patch]}"));
  EXPECT_THAT(said, HasSubstr("- {apiGroups: [\"\"], resources: [\"pods\"], verbs: [list, watch]}"));
  EXPECT_THAT(said, HasSubstr("warning: docktor may not list, watch horizontalpodautoscalers"));
  auto w = watch();
  EXPECT_THAT(w->findings(), HasSubstr("ok: docktor has all rights that it needs in namespace " + ns));
  EXPECT_THAT(w->findings(), HasSubstr("ok: deployment worker in namespace " + ns + ": 1 replica"));
}

TEST_F(KubernetesTest, TheTwoRulesThatMustBeAreEnough) {
  const auto bare = plane().new_namespace(false);
  plane().kubectl("apply -n " + bare + " -f -", manifest({}));
  plane().kubectl("apply -n " + bare + " -f -", R"(apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: least}
rules:
- {apiGroups: [apps], resources: [deployments/scale], verbs: [get, patch]}
- {apiGroups: [""], resources: [pods], verbs: [list, watch]}
)");
  plane().kubectl("create rolebinding docktor -n " + bare + " --role=least --user=docktor");
  Watched w(plane().kubeconfig_of("docktor", bare), "deployment/worker");
  w.with_ready(1);
  ASSERT_TRUE(w.order(3));
  w.with_ready(3);
  plane().kubectl("scale -n " + bare + " deployment worker --replicas=2");
  w.with_ready(2);
  EXPECT_THAT(w.news(), HasSubstr("somebody set 2 replicas (from 3) outside docktor"));
  plane().kubectl("delete namespace --wait=false " + bare);
}

TEST_F(KubernetesTest, AWrongTokenIsSaidAndNeverShown) {
  apply({});
  Watched w(plane().kubeconfig("token: some-secret-token", ns), "deployment/worker");
  const auto problem = w.problem("401");
  EXPECT_THAT(problem, HasSubstr("does not accept docktor's credentials"));
  EXPECT_THAT(problem + w.findings(), Not(HasSubstr("some-secret-token")));
}

TEST_F(KubernetesTest, CertificatesTokenFilesAndPluginsSignIn) {
  apply({});
  TempDir dir;
  const auto& c = plane().certificates();
  Watched(
      plane().kubeconfig(
          fmt::format("{{client-certificate: \"{}\", client-key: \"{}\"}}", c.client_cert, c.client_key), ns),
      "deployment/worker")
      .with_ready(1);

  // The same as text in the kubeconfig, and a certificate that is held against another name than the address has.
  const auto user = fmt::format("{{client-certificate-data: {}, client-key-data: {}}}", base64(c.client_cert),
                                base64(c.client_key));
  const auto authority = fmt::format("certificate-authority-data: {}, tls-server-name: ", base64(c.ca));
  Watched(plane().kubeconfig(user, ns, authority + "localhost"), "deployment/worker").with_ready(1);
  EXPECT_THAT(Watched(plane().kubeconfig(user, ns, authority + "kubernetes"), "deployment/worker")
                  .problem("does not answer"),
              HasSubstr("certificate"));

  // A token that is rotated: the file is read again when the server refuses the old one.
  const auto file = dir.file("token", "an-old-token");
  Watched rotated(plane().kubeconfig(fmt::format("tokenFile: \"{}\"", file), ns), "deployment/worker");
  rotated.problem("401");
  dir.file("token", ControlPlane::token("docktor") + "\n");
  rotated.with_ready(1);

  const auto plugin = dir.file("plugin", R"(#!/bin/sh
echo "a word that is no JSON" >&2
test -n "$KUBERNETES_EXEC_INFO" || exit 4
test -e "$MAY_RUN" || exit 3
echo "{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"$TOKEN\"}}"
)");
  ::chmod(plugin.c_str(), 0755);
  Watched by_plugin(
      plane().kubeconfig(
          fmt::format("exec: {{apiVersion: client.authentication.k8s.io/v1, command: \"{}/plugin\", "
                      "interactiveMode: Never, "
                      "env: [{{name: TOKEN, value: {}}}, {{name: MAY_RUN, value: \"{}/may\"}}]}}",
                      dir.path().string(), ControlPlane::token("docktor"), dir.path().string()),
          ns),
      "deployment/worker");
  EXPECT_THAT(by_plugin.problem("exec plugin"),
              HasSubstr("ended with exit code 3; run it by hand to see why"));
  dir.file("may", "");
  by_plugin.with_ready(1);
}

TEST_F(KubernetesTest, ThePodsOwnServiceAccountIsFoundInAPod) {
  apply({});
  TempDir dir;
  dir.file("token", ControlPlane::token("docktor"));
  dir.file("namespace", ns);
  std::ifstream ca(plane().ca_file());
  dir.file("ca.crt", {std::istreambuf_iterator<char>(ca), {}});
  static std::string port;
  port = plane().url().substr(plane().url().rfind(':') + 1);
  const auto getenv_of_a_pod = [](const char* name) -> const char* {
    const std::string_view n = name;
    return n == "KUBERNETES_SERVICE_HOST"   ? "127.0.0.1"
           : n == "KUBERNETES_SERVICE_PORT" ? port.c_str()
                                            : nullptr;
  };
  const auto access = find_kube_access({.getenv = getenv_of_a_pod, .service_account = dir.path().string()});
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->namespace_, ns);
  KubeClient client(*access);
  const auto a = client.call({.path = "/apis/apps/v1/namespaces/" + ns + "/deployments/worker/scale"});
  EXPECT_TRUE(a.ok()) << a.error->message;
}

}  // namespace
}  // namespace docktor::test
