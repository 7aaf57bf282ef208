// What docktor may do in a namespace, asked of the API server; what it may not, with the lines for a Role.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/finding.h"
#include "kube/client.h"

namespace docktor {

/// One right that docktor asks for; a row of the tables of those who need it.
struct KubeRight {
  std::string group, resource, subresource;
  std::vector<std::string> verbs;
  bool must = true;
  std::string_view without;  ///< what is lost
};

/// True: it has all of them. Else a finding for each that lacks, or that they cannot be asked for. Blocking, not on the
/// client's loop.
bool check_rights(KubeClient& client, const std::vector<KubeRight>& rights, const std::string& ns,
                  std::vector<Finding>& out);

}  // namespace docktor
