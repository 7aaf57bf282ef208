// Who may ask for what: Host, tokens, and what a browser says of where a request comes from.
#pragma once

#include <string>

#include "core/http_spec.h"
#include "http/server.h"

namespace docktor::web {

/// What a route takes.
enum class Need {
  kNothing,  ///< health, and the page's files, which hold no data
  kLook,
  kAct,
};

struct Access {
  int status = 0;  ///< 0: granted; else how to refuse, and why
  std::string why;
  std::string by;        ///< for the record: the socket's user, or http:NAME
  bool may_act = false;  ///< whether it would also be granted kAct
};

/// Whether the request is meant for us: an IP address, localhost or a name of `spec.hosts`. A browser that was
/// tricked by a name of somebody else's (DNS rebinding) sends that name. A unix socket has no name.
bool host_is_ours(const http::Request& request, const HttpSpec& spec);

/// Before any route. On a unix socket the kernel's word counts: whoever may open it is the daemon's user, of its
/// group, or root. On loopback everybody may look; elsewhere, and to act, it takes a token.
Access access_of(const http::Request& request, const HttpSpec& spec, Need need);

}  // namespace docktor::web
