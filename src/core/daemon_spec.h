// What a configuration says of the daemon, not of a service.
#pragma once

#include <vector>

#include "core/host_spec.h"
#include "core/http_spec.h"
#include "core/notify_spec.h"

namespace docktor {

struct DaemonSpec {
  HttpSpec http;
  std::vector<ChannelSpec> notifications;
  HostSpec host;
};

}  // namespace docktor
