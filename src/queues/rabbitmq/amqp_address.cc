#include "queues/rabbitmq/amqp_address.h"

#include <amqp.h>

#include <string_view>

namespace docktor {

namespace {

// librabbitmq fills in guest and / where the text has neither, and does not say so.
bool has_credentials(std::string_view url) {
  return url.substr(0, url.find('/', 8)).find('@') != std::string_view::npos;
}

}  // namespace

Result<AmqpAddress> parse_amqp_address(const std::string& url) {
  if (!url.starts_with("amqp://") && !url.starts_with("amqps://"))
    return fail(ErrorCode::kInvalid, "does not begin with amqp:// or amqps://");
  if (url.find('?') != std::string::npos || url.find('#') != std::string::npos)
    return fail(ErrorCode::kInvalid,
                "has a ? or # in it; within user, password or vhost they are written %3F and %23");
  if (url.find(',') != std::string::npos)
    return fail(ErrorCode::kInvalid,
                "has a comma in it; write one server, or the address that stands for all of them");
  std::string text = url;  // taken apart in place
  amqp_connection_info info{};
  if (amqp_parse_url(text.data(), &info) != AMQP_STATUS_OK || !info.host || !*info.host)
    return fail(
        ErrorCode::kInvalid,
        "cannot be an address; allowed: amqp://user:password@host:5672/vhost, with @ : / within user, "
        "password or vhost written %40 %3A %2F");
  if (info.port < 1 || info.port > 65535)
    return fail(ErrorCode::kInvalid, "has a port that is none; allowed: 1 to 65535");
  const auto path = url.find('/', url.find("://") + 3);
  if (path == url.find("://") + 3 || url.find("://") + 3 == url.size() || url.find('@') + 1 == path)
    return fail(ErrorCode::kInvalid, "names no host; allowed: amqp://user:password@host:5672/vhost");
  AmqpAddress a;
  a.tls = info.ssl != 0;
  a.host = info.host;
  a.port = info.port;
  if (has_credentials(url)) {
    a.user = info.user;
    a.password = info.password;
  }
  if (path != std::string::npos && path + 1 < url.size()) a.vhost = info.vhost;
  return a;
}

}  // namespace docktor
