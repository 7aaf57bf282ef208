// Which Kubernetes cluster docktor talks to, and as whom: a context of a kubeconfig, or the service account of the pod
// that docktor runs in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/settings.h"
#include "os/http_client.h"

namespace docktor {

/// A program that a kubeconfig names to get credentials from.
struct KubeExec {
  std::vector<std::string> command;
  std::string directory;  ///< of the kubeconfig: a path in `command` counts from here
  std::map<std::string, std::string> environment;  ///< beside ours
  std::string info;                                ///< KUBERNETES_EXEC_INFO
  std::string hint;                                ///< how to install it; may be empty
};

/// Plain values; nothing is connected yet.
struct KubeAccess {
  HttpServer server;
  std::string namespace_ = "default";  ///< where a workload is that names none
  std::string shown;                   ///< for people: "context prod (https://10.0.0.1:6443)"
  Secret token;
  std::string token_file;  ///< goes before `token`; it may change at any time
  std::optional<KubeExec> exec;
  std::vector<std::string> headers;  ///< of each request: impersonation
};

struct KubeLookup {
  std::string kubeconfig;  ///< empty: KUBECONFIG, then the pod's service account, then ~/.kube/config
  std::string context;     ///< empty: the current one
  const char* (*getenv)(const char*) = nullptr;  ///< nullptr: the process's environment
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";  ///< folder
};

/// Reads files, a few kilobytes. Errors (kNotFound, kInvalid, kDenied) say what to do.
Result<KubeAccess> find_kube_access(const KubeLookup& lookup);

/// The text behind base64; nothing where it is none. Line ends are allowed. Pure.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace docktor
