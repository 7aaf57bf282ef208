#include "tests/kubernetes/control_plane.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "os/http_client.h"
#include "tests/support/free_port.h"
#include "tests/support/patience.h"

namespace docktor::test {
namespace {

namespace fs = std::filesystem;

constexpr auto kPrograms = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"};

bool has_all(const std::string& folder) {
  for (const char* p : kPrograms)
    if (!fs::exists(fs::path(folder) / p)) return false;
  return true;
}

}  // namespace

std::string ControlPlane::binaries() {
  std::vector<std::string> folders;
  if (const char* assets = std::getenv("KUBEBUILDER_ASSETS")) folders.emplace_back(assets);
  folders.emplace_back(DOCKTOR_KUBERNETES "/bin");
  for (const auto& f : folders)
    if (has_all(f)) return f;
  return {};
}

ControlPlane& ControlPlane::shared() {
  static ControlPlane plane;
  return plane;
}

ControlPlane::ControlPlane() {
  // What the cluster's processes start carries the mark: the workers of its pods.
  ::setenv(MarkedProcesses::name().c_str(), marked_.value().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  dir_.file("tokens.csv", fmt::format("{},admin,1,\"system:masters\"\n{},docktor,2,\n{},nobody,3,\n",
                                      token("admin"), token("docktor"), token("nobody")));
  start_etcd();
  start_api();
  admin_ = kubeconfig_of("admin", "default");
  start_rest();
}

std::string ControlPlane::url() const { return fmt::format("https://127.0.0.1:{}", api_.port()); }

void ControlPlane::start_etcd() {
  const auto peer = free_port();
  etcd_.start(
      [&](int port) {
        const auto at = fmt::format("http://127.0.0.1:{}", port),
                   peer_at = fmt::format("http://127.0.0.1:{}", peer);
        return std::vector<std::string>{binaries() + "/etcd",
                                        "--name=t",
                                        "--data-dir=" + (dir_.path() / "etcd").string(),
                                        "--listen-client-urls=" + at,
                                        "--advertise-client-urls=" + at,
                                        "--listen-peer-urls=" + peer_at,
                                        "--initial-advertise-peer-urls=" + peer_at,
                                        "--initial-cluster=t=" + peer_at,
                                        "--unsafe-no-fsync",
                                        "--log-level=warn"};
      },
      [&] {
        HttpClient client({.base_url = fmt::format("http://127.0.0.1:{}", etcd_.port())});
        const auto r = client.send({.path = "/health", .timeout = std::chrono::seconds(5)});
        return r && r->status == 200;
      });
}

void ControlPlane::start_api() {
  api_.start(
      [&](int port) {
        const auto& c = certificates_;
        return std::vector<std::string>{
            binaries() + "/kube-apiserver",
            fmt::format("--etcd-servers=http://127.0.0.1:{}", etcd_.port()),
            "--bind-address=127.0.0.1",
            fmt::format("--secure-port={}", port),
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            "--tls-cert-file=" + c.server_cert,
            "--tls-private-key-file=" + c.server_key,
            "--client-ca-file=" + c.ca,
            "--token-auth-file=" + (dir_.path() / "tokens.csv").string(),
            "--service-account-key-file=" + c.server_cert,
            "--service-account-signing-key-file=" + c.server_key,
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount"};
      },
      [&] {
        HttpClient client({.base_url = url(), .ca_file = ca_file()});
        const auto r = client.send({.path = "/readyz",
                                    .headers = {"Authorization: Bearer " + token("admin")},
                                    .timeout = std::chrono::seconds(5)});
        return r && r->status == 200;
      });
}

void ControlPlane::start_rest() {
  const auto healthy = [&](const ChildServer& server) {
    HttpClient client({.base_url = fmt::format("https://127.0.0.1:{}", server.port()), .verify = false});
    const auto r = client.send({.path = "/healthz", .timeout = std::chrono::seconds(5)});
    return r && r->status == 200;
  };
  controllers_.start(
      [&](int port) {
        return std::vector<std::string>{
            binaries() + "/kube-controller-manager", "--kubeconfig=" + admin_, "--bind-address=127.0.0.1",
            fmt::format("--secure-port={}", port), "--leader-elect=false",
            "--root-ca-file=" + certificates_.ca, "--cert-dir=" + (dir_.path() / "controllers").string(),
            // So many workers that a test does not wait, and no limit on requests.
            "--kube-api-qps=500", "--kube-api-burst=500",
            "--controllers=deployment,replicaset,statefulset,namespace,garbagecollector,resourcequota,"
            "disruption"};
      },
      [&] { return healthy(controllers_); });
  scheduler_.start(
      [&](int port) {
        return std::vector<std::string>{
            binaries() + "/kube-scheduler", "--kubeconfig=" + admin_,
            "--bind-address=127.0.0.1",     fmt::format("--secure-port={}", port),
            "--leader-elect=false",         "--cert-dir=" + (dir_.path() / "scheduler").string()};
      },
      [&] { return healthy(scheduler_); });
  kubelet_.start(
      [&](int) {
        return std::vector<std::string>{"/usr/bin/python3",
                                        DOCKTOR_KUBERNETES_TESTS "/kubelet.py",
                                        "--server",
                                        url(),
                                        "--token",
                                        token("admin"),
                                        "--ca",
                                        ca_file(),
                                        "--node",
                                        "n1"};
      },
      [&] {
        HttpClient client({.base_url = url(), .ca_file = ca_file()});
        const auto r =
            client.send({.path = "/api/v1/nodes/n1", .headers = {"Authorization: Bearer " + token("admin")}});
        const auto node = r && r->status == 200 ? Json::parse(r->body) : Json();
        return node.is_object() && !node["spec"].contains("taints") && node["status"].contains("conditions");
      });
}

void ControlPlane::kill() { api_.kill(); }
void ControlPlane::start() { start_api(); }

std::string ControlPlane::kubeconfig(const std::string& user_lines, const std::string& ns,
                                     const std::string& cluster) const {
  return dir_.file(
      fmt::format("kubeconfig-{}", ++files_),
      fmt::format(R"(apiVersion: v1
kind: Config
current-context: test
clusters:
- {{name: c, cluster: {{server: "{}", {}}}}}
contexts:
- {{name: test, context: {{cluster: c, user: u, namespace: {}}}}}
users:
- name: u
  user:
    {}
)",
                  url(), cluster.empty() ? fmt::format("certificate-authority: \"{}\"", ca_file()) : cluster,
                  ns, user_lines));
}

std::string ControlPlane::kubeconfig_of(const std::string& user, const std::string& ns) const {
  return kubeconfig("token: " + token(user), ns);
}

std::string ControlPlane::kubectl(const std::string& arguments, const std::string& input) const {
  const auto in =
      input.empty() ? std::string("/dev/null") : dir_.file(fmt::format("input-{}", ++files_), input);
  const auto line = fmt::format("timeout -k 5 60 '{}/kubectl' --kubeconfig '{}' {} 2>&1 <'{}'", binaries(),
                                admin_, arguments, in);
  std::string out;
  FILE* pipe = ::popen(line.c_str(), "re");
  if (!pipe) throw std::runtime_error("kubectl cannot be run");
  char block[4096];
  for (std::size_t n; (n = std::fread(block, 1, sizeof block, pipe)) > 0;) out.append(block, n);
  const int status = ::pclose(pipe);
  EXPECT_EQ(status, 0) << "kubectl " << arguments << ": " << out;
  return out;
}

std::string ControlPlane::new_namespace(bool with_rights) {
  auto name = fmt::format("test-{}", ++namespaces_);
  kubectl("create namespace " + name);
  if (with_rights) {
    std::ifstream file(DOCKTOR_KUBERNETES_RIGHTS);
    const std::string role((std::istreambuf_iterator<char>(file)), {});
    kubectl("apply -n " + name + " -f -", role);
    kubectl("create rolebinding docktor -n " + name + " --role=docktor --user=docktor");
  }
  return name;
}

std::string manifest(const Manifest& m) {
  return fmt::format(R"(apiVersion: apps/v1
kind: {}
metadata: {{name: {}}}
spec:
  replicas: {}
  selector: {{matchLabels: {{app: {}}}}}
  {}
  template:
    metadata: {{labels: {{app: {}}}, annotations: {}}}
    spec:
      terminationGracePeriodSeconds: {}
      containers:
      - {{name: main, image: {}, command: {}{}}}
)",
                     m.kind, m.name, m.replicas, m.name, m.kind == "StatefulSet" ? "serviceName: none" : "",
                     m.name, m.annotations, m.grace, m.image, m.command, m.container);
}

}  // namespace docktor::test
