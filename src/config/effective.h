// The redacted view of a configuration: every value in effect, secrets as ***.
#pragma once

#include <nlohmann/json.hpp>

#include "core/host_spec.h"
#include "core/http_spec.h"
#include "core/lease_spec.h"
#include "core/notify_spec.h"
#include "core/spec.h"

namespace docktor {

/// For `config validate` and the journal's start record. The keys are those of the file; durations are texts
/// that the file takes back. Passwords, tokens, seeds, credentials within addresses and the values of a
/// target's environment are ***.
nlohmann::ordered_json effective_config(const Config& config);
nlohmann::ordered_json effective_service(const ServiceSpec& service);

/// The http block; of a token its file, never the token.
nlohmann::ordered_json effective_http(const HttpSpec& http);
nlohmann::ordered_json effective_host(const HostSpec& host);
nlohmann::ordered_json effective_lease(const LeaseSpec& lease);

/// The list; of an address what is not secret.
nlohmann::ordered_json effective_notifications(const std::vector<ChannelSpec>& channels);

}  // namespace docktor
