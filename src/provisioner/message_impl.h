// The state behind a Message.
#pragma once

#include <nats/nats.h>

#include <optional>
#include <string>

#include "docktor/message.h"
#include "docktor/requester.h"
#include "provisioner/ack_subject.h"

namespace docktor {

class Message::Impl {
 public:
  Impl(natsMsg* m, const Delivery& d, std::stop_token s) : message(m), delivery(d), stop(std::move(s)) {
    if (natsMsgHeader_Get(message, kReplyHeader, &inbox) != NATS_OK || !inbox || !*inbox) inbox = nullptr;
  }

  natsMsg* message;
  Delivery delivery;
  std::stop_token stop;
  const char* inbox = nullptr;  ///< where the answer is waited for; the message's own memory
  std::string answer;
};

}  // namespace docktor
