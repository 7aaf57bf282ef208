// An AMQP address taken apart: amqp://user:password@host:port/vhost.
#pragma once

#include <string>

#include "core/result.h"

namespace docktor {

struct AmqpAddress {
  bool tls = false;  ///< amqps
  std::string host;
  int port = 5672;
  std::string user;  ///< empty: not in the address
  std::string password;
  std::string vhost;  ///< empty: not in the address
};

/// kInvalid with what is wrong; the message repeats nothing of the text, which may hold a password.
Result<AmqpAddress> parse_amqp_address(const std::string& url);

}  // namespace docktor
