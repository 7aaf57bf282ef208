// Events as what a receiver takes.
#pragma once

#include <string>
#include <vector>

#include "notify/address.h"
#include "notify/event.h"
#include "os/http_client.h"

namespace docktor::notify {

/// "orders: the queue cannot be read", "orders: over after 4 min: the queue cannot be read".
std::string title_of(const Event& e);
/// What is known beyond the title, on one line; may be empty.
std::string text_of(const Event& e);
/// The gravest of them: critical, warning, info.
std::string_view severity_of(const std::vector<Event>& events);

/// How many events one request of this form may hold.
std::size_t most_in_one(Form form);

/// Without signature and timeout. `events` has one at least, and at most most_in_one(); of a heartbeat none.
HttpRequest render(const Address& address, const Sender& sender, const std::vector<Event>& events,
                   const std::string& id);

/// Adds the headers of Standard Webhooks: one signature for each key.
void sign(HttpRequest& request, const std::vector<Secret>& keys, const std::string& id, Time now);

}  // namespace docktor::notify
