// Where JetStream may be instead when it, or a stream, is not found: in another domain, beyond a leaf link.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/result.h"
#include "os/event_loop.h"

namespace docktor {

/// Of one thread. Looked for once for each connection, and only when something is missing.
class Elsewhere {
 public:
  using SteadyTime = EventLoop::SteadyTime;
  /// One request, answered once.
  using Ask = std::function<void(const char* subject, SteadyTime deadline,
                                 std::function<void(const Result<std::string>&)> answer)>;
  /// `ask` is empty where nobody need look: whoever named a domain knows of domains.
  Elsewhere(Ask ask, std::function<bool()> connected)
      : ask_(std::move(ask)), connected_(std::move(connected)) {}

  /// Calls `done` when text() is known, perhaps at once.
  void look(SteadyTime deadline, std::function<void()> done);
  /// "its JetStream is domain edge: ..."; empty where nothing speaks for another place.
  const std::string& text() const { return text_; }
  /// What was found was of a connection that is gone.
  void forget();

 private:
  void know(std::string text);

  Ask ask_;
  std::function<bool()> connected_;
  std::string text_;
  bool looked_ = false;
  std::vector<std::function<void()>> waiters_;
};

}  // namespace docktor
