// Request and reply over a stream's subject: the answer of the handler that got the message.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "docktor/connection.h"

namespace docktor {

/// The header of a request that names the inbox where its answer goes. (The reply subject itself is taken
/// twice: on the way in the stream sends its acknowledgement there, on the way out it is the consumer's.)
inline constexpr const char* kReplyHeader = "Docktor-Reply";

struct RequestOptions {
  std::chrono::milliseconds timeout{1000};
  /// Not empty: the stream drops a second message with this id (see StreamSetup::duplicate_window), so that a
  /// request may be tried again without being worked on twice. Where the first try was stored, a retry never
  /// gets an answer of its own: ask again with the same Requester and the same id, and the first one's answer
  /// is taken.
  std::string id;
};

/// Thread-safe; any number of requests at a time over one inbox. Exactly one answer is handed on for each
/// request, whatever comes twice.
class DOCKTOR_EXPORT Requester {
 public:
  /// kUnavailable when the connection is closed.
  static Result<std::unique_ptr<Requester>> create(const Connection& connection);
  ~Requester();  ///< what waits is answered with kUnavailable; must not be called from within `done`
  Requester(const Requester&) = delete;
  Requester& operator=(const Requester&) = delete;

  /// Publishes and waits for the handler's answer. kTimeout: no handler answered in time (none runs, all are
  /// busy, or no stream stores the subject); the message may still be worked on. kUnavailable: not sent. Not
  /// to be called from within a `done`.
  Result<std::string> request(const std::string& subject, std::string_view data,
                              const RequestOptions& options = {});

  /// As request(), without waiting. `done` is called exactly once, on a thread of the client or before send()
  /// returns (not sent): it must not block, and may send the next.
  using Done = std::function<void(Result<std::string>)>;
  void send(const std::string& subject, std::string_view data, const RequestOptions& options, Done done);

 private:
  class DOCKTOR_HIDDEN Impl;
  explicit Requester(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace docktor
