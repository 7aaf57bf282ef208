// What a configuration says of the daemon, not of a service.
#pragma once

#include <optional>
#include <vector>

#include "core/host_spec.h"
#include "core/http_spec.h"
#include "core/lease_spec.h"
#include "core/notify_spec.h"

namespace docktor {

struct DaemonSpec {
  HttpSpec http;
  std::vector<ChannelSpec> notifications;
  HostSpec host;
  std::optional<LeaseSpec> lease;  ///< of high_availability
};

}  // namespace docktor
