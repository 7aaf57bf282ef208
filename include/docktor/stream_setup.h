// Creates the stream and the consumers that a scaled pool of handlers needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "docktor/connection.h"

namespace docktor {

struct StreamSetup {
  std::string stream;                 ///< its name: no space, dot, *, > or slash
  std::vector<std::string> subjects;  ///< what it stores, as "orders.*"
  std::string consumer;               ///< whom the handlers pull from
  /// The consumer that the rate law watches through (headers only, ack-all); empty: none, as the default law
  /// needs none.
  std::string watcher;

  /// How long a handler may keep a message without a sign of life; then it is delivered again.
  /// ThreadProvisioner gives that sign for as long as it works. Longer means that what a crashed program had
  /// in hand waits longer.
  std::chrono::milliseconds ack_wait{30'000};
  /// How often a message is tried; -1: until it succeeds. Messages that a stopping handler gives back count.
  std::int64_t max_deliver = -1;
  /// Messages in hand of all handlers together; more wait, and more handlers are of no use. 0: the server's
  /// default (1,000).
  std::int64_t max_ack_pending = 0;
  /// A message with the id of one that was stored within this time is dropped.
  std::chrono::milliseconds duplicate_window{120'000};
  bool in_memory = false;  ///< faster, and gone with the server
};

/// Creates what is missing. The stream has interest retention: it keeps a message until every consumer has
/// acknowledged it. Both consumers are durable and without an inactive threshold: the server would delete any
/// other while no handler pulls, and drop what is published next.
///
/// What exists already is used as it is, unless it would lose messages: kConflict for a stream with another
/// retention, a push consumer, or one that is ephemeral, has an inactive threshold or acknowledges in another
/// way than needed. Blocks for up to `timeout`; kUnavailable, kTimeout, kDenied as usual.
DOCKTOR_EXPORT Result<void> set_up(const Connection& connection, const StreamSetup& setup,
                                   std::chrono::milliseconds timeout = std::chrono::milliseconds(5000));

}  // namespace docktor
