// One message of the queue, as a handler sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "docktor/export.h"

namespace docktor {

/// Lives for one call of the handler; views into it do not outlive that. Not thread-safe.
class DOCKTOR_EXPORT Message {
 public:
  std::string_view subject() const;
  std::string_view data() const;
  std::optional<std::string_view> header(const char* name) const;
  std::uint64_t sequence() const;    ///< in the stream
  std::uint64_t deliveries() const;  ///< 1: the first time

  bool is_request() const;  ///< somebody waits for an answer (see Requester)
  /// The answer; the last call counts. It is sent when the handler returns without an error, right before the
  /// acknowledgement. A request whose handler sets none gets an empty one.
  void reply(std::string_view data);

  /// Requested when this instance shall stop: what was begun may be finished in peace; a handler of very long
  /// work may also return an error, and the message is delivered again elsewhere.
  std::stop_token stop() const;

  class DOCKTOR_HIDDEN Impl;
  explicit Message(Impl& impl) : impl_(impl) {}
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

 private:
  Impl& impl_;
};

}  // namespace docktor
