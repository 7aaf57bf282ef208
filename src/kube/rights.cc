#include "kube/rights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "kube/fields.h"

namespace docktor {
namespace {

using Json = nlohmann::json;

// The verbs that docktor has not, of those.
Result<std::vector<std::string>> missing_verbs(KubeClient& client, const KubeRight& right,
                                               const std::string& ns) {
  std::vector<std::string> missing;
  for (const auto& verb : right.verbs) {
    Json attributes = {
        {"namespace", ns}, {"verb", verb}, {"group", right.group}, {"resource", right.resource}};
    if (!right.subresource.empty()) attributes["subresource"] = right.subresource;
    const auto a = client.call({.method = "POST",
                                .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                                .body = Json{{"apiVersion", "authorization.k8s.io/v1"},
                                             {"kind", "SelfSubjectAccessReview"},
                                             {"spec", {{"resourceAttributes", std::move(attributes)}}}}
                                            .dump()});
    if (!a.ok()) return tl::unexpected<Error>(*a.error);
    if (!kube::flag(kube::field(a.body, "status"), "allowed")) missing.push_back(verb);
  }
  return missing;
}

// A line for the rules of a Role.
std::string rule_text(const KubeRight& right, const std::vector<std::string>& verbs) {
  return fmt::format("- {{apiGroups: [\"{}\"], resources: [\"{}{}{}\"], verbs: [{}]}}", right.group,
                     right.resource, right.subresource.empty() ? "" : "/", right.subresource,
                     fmt::join(verbs, ", "));
}

}  // namespace

bool check_rights(KubeClient& client, const std::vector<KubeRight>& rights, const std::string& ns,
                  std::vector<Finding>& out) {
  bool all = true;
  for (const auto& right : rights) {
    const auto missing = missing_verbs(client, right, ns);
    if (!missing) {
      out.push_back({Severity::kWarning, "docktor's rights cannot be asked for: " + missing.error().message,
                     "compare them with docs/kubernetes.md"});
      return false;
    }
    if (missing->empty()) continue;
    all = false;
    out.push_back({right.must ? Severity::kError : Severity::kWarning,
                   fmt::format("docktor may not {} {}{}{} in namespace {}: {}", fmt::join(*missing, ", "),
                               right.resource, right.subresource.empty() ? "" : "/", right.subresource, ns,
                               right.without),
                   fmt::format("add to the rules of its Role: {}", rule_text(right, *missing))});
  }
  return all;
}

}  // namespace docktor
