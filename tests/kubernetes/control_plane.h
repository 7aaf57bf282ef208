// A Kubernetes control plane of a test program's own: etcd, API server, controllers, scheduler, and a node whose pods are real
// processes.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/child_server.h"
#include "tests/support/marked_processes.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_pki.h"

namespace docktor::test {

class ControlPlane {
 public:
  using Json = nlohmann::json;

  /// Where scripts/fetch-kubernetes.sh left the programs; empty: nowhere.
  static std::string binaries();
  /// The one of this program, started when first asked for.
  static ControlPlane& shared();

  /// Of the whole cluster: "admin" may do everything; "docktor" is whom docktor is, "nobody" may do nothing.
  std::string url() const;
  std::string ca_file() const { return certificates_.ca; }
  static std::string token(const std::string& user) { return user + "-token-of-this-test"; }
  const TestCertificates& certificates() const { return certificates_; }

  /// A kubeconfig with the lines of a user, "token: abc", and of a cluster beside its address; without: the authority's file.
  std::string kubeconfig(const std::string& user_lines, const std::string& ns,
                         const std::string& cluster = {}) const;
  /// The same with the token of that user.
  std::string kubeconfig_of(const std::string& user, const std::string& ns) const;

  /// What kubectl says; a test fails where it fails. `input` goes to its stdin.
  std::string kubectl(const std::string& arguments, const std::string& input = {}) const;
  void apply(const std::string& manifest) const { kubectl("apply -f -", manifest); }
  Json get(const std::string& what) const { return Json::parse(kubectl("get -o json " + what)); }
  /// A namespace with a name of its own, in which `docktor` has the rights of docs/kubernetes.md.
  std::string new_namespace(bool with_rights = true);

  // Of the API server.
  void kill();
  void start();
  void pause() { api_.pause(); }
  void resume() { api_.resume(); }

  const MarkedProcesses& processes() const { return marked_; }

 private:
  ControlPlane();
  void start_etcd();
  void start_api();
  void start_rest();

  TempDir dir_;
  TestCertificates certificates_{dir_};
  MarkedProcesses marked_;
  ChildServer etcd_{(dir_.path() / "etcd.log").string()};
  ChildServer api_{(dir_.path() / "api.log").string()};
  ChildServer controllers_{(dir_.path() / "controllers.log").string()};
  ChildServer scheduler_{(dir_.path() / "scheduler.log").string()};
  ChildServer kubelet_{(dir_.path() / "kubelet.log").string()};
  std::string admin_;
  mutable int files_ = 0;
  int namespaces_ = 0;
};

/// A Deployment of `replicas` pods that run `command`; `more` stands in the pod's metadata, `container` in its container.
struct Manifest {
  std::string name = "worker";
  std::string kind = "Deployment";
  int replicas = 1;
  std::string command = "[sleep, infinity]";
  std::string annotations = "{}";
  std::string image = "worker";
  std::string container = "";  ///< further lines of YAML, ", env: [...]"
  int grace = 5;
};
std::string manifest(const Manifest& m);

}  // namespace docktor::test
