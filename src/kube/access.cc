#include "kube/access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/text.h"
#include "os/atomic_file.h"
#include "os/http_url.h"

namespace docktor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFile = 4 << 20;
constexpr std::size_t kMostFiles = 100;
constexpr const char* kNowhere =
    "no cluster: there is no kubeconfig, and this is no pod of one; name a kubeconfig with `kubeconfig:` or "
    "KUBECONFIG";

const char* default_getenv(const char* name) { return std::getenv(name); }  // NOLINT(concurrency-mt-unsafe)

// One entry of a kubeconfig's list (clusters, contexts, users), and the folder that its paths count from.
struct Entry {
  YAML::Node node;
  std::string folder;
  explicit operator bool() const { return node.IsMap(); }

  std::string text(const char* key) const {
    const auto v = node[key];
    return v && v.IsScalar() ? v.Scalar() : std::string();
  }
  std::string path(const char* key) const {
    const auto p = text(key);
    return p.empty() || p.front() == '/' ? p : folder + "/" + p;
  }
  bool flag(const char* key) const { return text(key) == "true"; }
};

// The files of KUBECONFIG as one: for each name the first one counts.
class Kubeconfig {
 public:
  Result<void> add(const std::string& path) {
    const auto text = read_file(path, kMostFile);
    if (!text) return tl::unexpected<Error>(text.error());
    try {
      const auto root = YAML::Load(*text);
      if (!root.IsMap())
        return fail(ErrorCode::kInvalid, fmt::format("{} is no kubeconfig: it holds no map", path));
      files_.push_back({root, fs::absolute(path).parent_path().string()});
    } catch (const YAML::Exception& e) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}:{}:{}: {}", path, e.mark.line + 1, e.mark.column + 1, e.msg));
    }
    return {};
  }
  bool empty() const { return files_.empty(); }

  std::string current_context() const {
    for (const auto& f : files_) {
      if (auto name = f.text("current-context"); !name.empty()) return name;
    }
    return {};
  }

  /// The map `inner` of the entry with that name in `list`; no map where there is none.
  Entry find(const char* list, const char* inner, const std::string& name) const {
    for (const auto& f : files_) {
      const auto all = f.node[list];
      if (!all || !all.IsSequence()) continue;
      for (const auto& e : all) {
        if (!e.IsMap() || !e["name"] || !e["name"].IsScalar() || e["name"].Scalar() != name) continue;
        if (const auto in = e[inner]; in && in.IsMap()) return {in, f.folder};
      }
    }
    return {YAML::Node(), ""};
  }

  std::vector<std::string> contexts() const {
    std::vector<std::string> out;
    for (const auto& f : files_) {
      const auto all = f.node["contexts"];
      if (!all || !all.IsSequence()) continue;
      for (const auto& e : all) {
        if (e.IsMap() && e["name"] && e["name"].IsScalar() && out.size() < 20)
          out.push_back(e["name"].Scalar());
      }
    }
    return out;
  }

 private:
  std::vector<Entry> files_;
};

// `key`-data goes before the file that `key` names.
Result<void> take_pem(const Entry& from, const std::string& key, std::string& pem, std::string& file) {
  if (const auto data = from.text((key + "-data").c_str()); !data.empty()) {
    auto text = base64_decoded(data);
    if (!text) return fail(ErrorCode::kInvalid, fmt::format("the kubeconfig's {}-data is not base64", key));
    pem = std::move(*text);
    return {};
  }
  file = from.path(key.c_str());
  if (!file.empty()) {
    if (const auto there = read_file(file, kMostFile); !there)
      return fail(there.error().code,
                  fmt::format("the kubeconfig's {} cannot be read: {}", key, there.error().message));
  }
  return {};
}

// What the plugin is told: the version that it answers in, and that nobody is there to be asked.
std::string exec_info(const Entry& exec, const KubeAccess& access) {
  nlohmann::json spec = {{"interactive", false}};
  if (exec.flag("provideClusterInfo")) {
    auto& cluster = spec["cluster"] = {{"server", access.server.base_url}};
    if (!access.server.tls_name.empty()) cluster["tls-server-name"] = access.server.tls_name;
    if (!access.server.verify) cluster["insecure-skip-tls-verify"] = true;
  }
  return nlohmann::json{
      {"apiVersion", exec.text("apiVersion")}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}}
      .dump();
}

Result<void> take_exec(const Entry& exec, KubeAccess& access) {
  KubeExec out;
  const auto program = exec.text("command");
  if (program.empty())
    return fail(ErrorCode::kInvalid, "the kubeconfig's user has an exec plugin without a command");
  if (exec.text("interactiveMode") == "Always")
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the exec plugin {} wants a person at a terminal (interactiveMode: Always); use a "
                    "user with a token or a certificate",
                    program));
  // With a slash in it, it is a path; a bare name is looked up in PATH.
  out.command.push_back(program.find('/') == std::string::npos || program.front() == '/'
                            ? program
                            : exec.folder + "/" + program);
  if (const auto args = exec.node["args"]; args && args.IsSequence()) {
    for (const auto& a : args) out.command.push_back(a.IsScalar() ? a.Scalar() : "");
  }
  if (const auto env = exec.node["env"]; env && env.IsSequence()) {
    for (const auto& e : env) {
      if (e.IsMap() && e["name"] && e["value"]) out.environment[e["name"].Scalar()] = e["value"].Scalar();
    }
  }
  out.directory = exec.folder;
  out.hint = exec.text("installHint");
  out.info = exec_info(exec, access);
  access.exec = std::move(out);
  return {};
}

Result<void> take_user(const Entry& user, KubeAccess& access) {
  access.token = {user.text("token")};
  access.token_file = user.path("tokenFile");
  auto& server = access.server;
  if (auto ok = take_pem(user, "client-certificate", server.cert_pem, server.cert_file); !ok) return ok;
  if (auto ok = take_pem(user, "client-key", server.key_pem, server.key_file); !ok) return ok;
  if (const auto as = user.text("as"); !as.empty()) {
    access.headers.push_back("Impersonate-User: " + as);
    if (const auto groups = user.node["as-groups"]; groups && groups.IsSequence()) {
      for (const auto& g : groups)
        if (g.IsScalar()) access.headers.push_back("Impersonate-Group: " + g.Scalar());
    }
  }
  if (user.node["auth-provider"])
    return fail(
        ErrorCode::kInvalid,
        "the kubeconfig's user has an auth-provider, which Kubernetes gave up in 1.26; use an exec plugin");
  if (!user.text("username").empty())
    return fail(
        ErrorCode::kInvalid,
        "the kubeconfig's user has a username and password, which no API server takes any more; use a "
        "token, a certificate or an exec plugin");
  const Entry exec{user.node["exec"] ? user.node["exec"] : YAML::Node(), user.folder};
  return exec ? take_exec(exec, access) : Result<void>();
}

Result<KubeAccess> of_context(const Kubeconfig& config, const std::string& wanted) {
  const auto name = wanted.empty() ? config.current_context() : wanted;
  if (name.empty())
    return fail(ErrorCode::kInvalid,
                fmt::format("the kubeconfig has no current-context; write context: with one of {}",
                            fmt::join(config.contexts(), ", ")));
  const auto context = config.find("contexts", "context", name);
  if (!context)
    return fail(ErrorCode::kNotFound, fmt::format("the kubeconfig has no context {}; it has: {}", name,
                                                  fmt::join(config.contexts(), ", ")));
  const auto cluster = config.find("clusters", "cluster", context.text("cluster"));
  if (!cluster)
    return fail(ErrorCode::kNotFound, fmt::format("the kubeconfig has no cluster {}, which context {} names",
                                                  context.text("cluster"), name));
  KubeAccess access;
  const auto url = parse_http_url(cluster.text("server"));
  if (!url)
    return fail(ErrorCode::kInvalid,
                fmt::format("the kubeconfig's server of context {} {}", name, url.error().message));
  auto& server = access.server;
  server.base_url = url->base + (url->path == "/" ? "" : url->path);
  if (server.base_url.ends_with('/')) server.base_url.pop_back();
  server.verify = !cluster.flag("insecure-skip-tls-verify");
  server.tls_name = cluster.text("tls-server-name");
  server.proxy = cluster.text("proxy-url");
  if (auto ok = take_pem(cluster, "certificate-authority", server.ca_pem, server.ca_file); !ok)
    return tl::unexpected<Error>(ok.error());
  if (const auto ns = context.text("namespace"); !ns.empty()) access.namespace_ = ns;
  access.shown = fmt::format("context {} ({})", name, server.base_url);
  const auto user_name = context.text("user");
  if (user_name.empty()) return access;
  const auto user = config.find("users", "user", user_name);
  if (!user)
    return fail(ErrorCode::kNotFound,
                fmt::format("the kubeconfig has no user {}, which context {} names", user_name, name));
  if (auto ok = take_user(user, access); !ok) return tl::unexpected<Error>(ok.error());
  return access;
}

Result<KubeAccess> of_pod(const KubeLookup& lookup, const std::string& host, std::string port) {
  KubeAccess access;
  if (port.empty()) port = "443";
  const bool v6 = host.find(':') != std::string::npos;
  access.server.base_url = fmt::format("https://{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
  access.server.ca_file = lookup.service_account + "/ca.crt";
  access.token_file = lookup.service_account + "/token";
  if (const auto token = read_file(access.token_file, kMostFile); !token)
    return fail(
        ErrorCode::kDenied,
        fmt::format("the pod's service account token cannot be read: {}; does the pod have "
                    "automountServiceAccountToken: false, or does docktor run as another user (fsGroup)?",
                    token.error().message));
  if (const auto ns = read_file(lookup.service_account + "/namespace", 1024); ns && !ns->empty())
    access.namespace_ = *ns;
  access.shown = fmt::format("the cluster of this pod ({})", access.server.base_url);
  return access;
}

std::vector<std::string> split(const std::string& paths) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= paths.size() && out.size() < kMostFiles;) {
    const auto to = std::min(paths.find(':', from), paths.size());
    if (to > from) out.push_back(paths.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

}  // namespace

Result<KubeAccess> find_kube_access(const KubeLookup& lookup) {
  const auto variable = [&](const char* name) {
    const char* text = (lookup.getenv ? lookup.getenv : &default_getenv)(name);
    return std::string(text ? text : "");
  };
  const auto home = variable("HOME");
  std::vector<std::string> paths;
  if (!lookup.kubeconfig.empty()) {
    const bool at_home = lookup.kubeconfig.starts_with("~/") && !home.empty();
    paths.push_back(at_home ? home + lookup.kubeconfig.substr(1) : lookup.kubeconfig);
  } else {
    paths = split(variable("KUBECONFIG"));
  }
  const bool named = !paths.empty();
  const auto host = variable("KUBERNETES_SERVICE_HOST");
  std::error_code ec;
  if (!named && !host.empty() && fs::exists(lookup.service_account, ec))
    return of_pod(lookup, host, variable("KUBERNETES_SERVICE_PORT"));
  if (!named && !home.empty()) paths.push_back(home + "/.kube/config");

  Kubeconfig config;
  std::string missing;
  try {
    for (const auto& path : paths) {
      const auto added = config.add(path);
      if (added) continue;
      if (added.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(added.error());
      missing = added.error().message;
    }
    if (config.empty())
      return fail(ErrorCode::kNotFound, named ? fmt::format("no kubeconfig: {}", missing) : kNowhere);
    return of_context(config, lookup.context);
  } catch (const YAML::Exception& e) {
    return fail(ErrorCode::kInvalid, fmt::format("the kubeconfig cannot be understood: {}", e.msg));
  }
}

std::optional<std::string> base64_decoded(std::string_view text) {
  std::string out;
  unsigned bits = 0, value = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    int v = -1;
    if (c >= 'A' && c <= 'Z') v = c - 'A';
    if (c >= 'a' && c <= 'z') v = c - 'a' + 26;
    if (c >= '0' && c <= '9') v = c - '0' + 52;
    if (c == '+') v = 62;
    if (c == '/') v = 63;
    if (v < 0 || padding > 0) return std::nullopt;
    value = value << 6 | static_cast<unsigned>(v);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(value >> bits & 0xff);
  }
  if (padding > 2 || bits >= 6) return std::nullopt;
  return out;
}

}  // namespace docktor
