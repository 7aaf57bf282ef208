// Finds nginx directives that look a service's name up once, when nginx starts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace docktor {

/// The directives of an nginx configuration that name `service` and resolve it only once: `server web:80` in
/// an upstream without `resolve`, and proxy_pass, grpc_pass, fastcgi_pass, uwsgi_pass to it without a
/// variable.
std::vector<std::string> nginx_names_resolved_once(std::string_view configuration, std::string_view service);

}  // namespace docktor
