#include "docktor/message.h"

#include "provisioner/message_impl.h"

namespace docktor {

std::string_view Message::subject() const { return natsMsg_GetSubject(impl_.message); }

std::string_view Message::data() const {
  return {natsMsg_GetData(impl_.message), static_cast<std::size_t>(natsMsg_GetDataLength(impl_.message))};
}

std::optional<std::string_view> Message::header(const char* name) const {
  const char* value = nullptr;
  if (natsMsgHeader_Get(impl_.message, name, &value) != NATS_OK || !value) return std::nullopt;
  return value;
}

std::uint64_t Message::sequence() const { return impl_.delivery.stream_sequence; }
std::uint64_t Message::deliveries() const { return impl_.delivery.deliveries; }
bool Message::is_request() const { return impl_.inbox != nullptr; }
void Message::reply(std::string_view data) { impl_.answer = data; }
std::stop_token Message::stop() const { return impl_.stop; }

}  // namespace docktor
