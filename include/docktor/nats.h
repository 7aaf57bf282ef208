// For programs that have a nats.c connection already. The only header of docktor that names nats.c.
#pragma once

#include <nats/nats.h>

#include "docktor/connection.h"

namespace docktor {

/// Uses the caller's connection. It stays the caller's: it must be open, and live longer than every copy of
/// the returned handle and everything that was given one; docktor neither drains, closes nor destroys it.
///
/// Two options of that connection matter: without natsOptions_SetSendAsap(true) each answer of a handler
/// waits a millisecond in the client's buffer, and without natsOptions_SetMaxReconnect(-1) it gives up for
/// good when the server was away for two minutes.
DOCKTOR_EXPORT Connection adopt(natsConnection* connection);

}  // namespace docktor
