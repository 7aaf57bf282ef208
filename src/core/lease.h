// The Lease seam: the right to act, which one daemon has of several that watch the same services.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/lease_term.h"
#include "core/result.h"
#include "core/time.h"

namespace docktor {

/// What a leader leaves of a service to whoever leads next.
struct Legacy {
  nlohmann::json said;     ///< what people said, what was seen of them; null: nothing was left
  nlohmann::json learned;  ///< null: nothing was left, or there was no room for it
};

/// In place of a service's name: what is left of the daemon itself, whom it has told of what. No service can be named so.
inline constexpr const char* kOfDaemon = "_daemon";

/// Thread-safe; no call waits for a server.
class Lease {
 public:
  virtual ~Lease() = default;

  virtual LeaseStanding standing() const = 0;

  /// Nothing unless the lease is surely held at `now`: whoever was stopped for a while, or is cut off, learns it here.
  virtual std::optional<LeaseTerm> term(Time now) const = 0;

  /// As it was when this daemon started, and again when it began to lead.
  virtual Legacy left(const std::string& service) const = 0;

  /// Of the leader: what the next one is to know. `said` is on its way within seconds, `learned` when it suits.
  virtual void leave(const std::string& service, Legacy legacy) = 0;

  /// Calls back once, from any thread, when whoever leads next will find all that `said` has so far, or why that is not so.
  virtual void once_left(std::function<void(Result<void>)> done) = 0;
};

}  // namespace docktor
