// The Lease seam: the right to act, which one daemon has of several that watch the same services.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/lease_term.h"
#include "core/time.h"

namespace docktor {

/// What a leader leaves of a service to whoever leads next.
struct Legacy {
  nlohmann::json said;     ///< what people said, what was seen of them; null: nothing was left
  nlohmann::json learned;  ///< null: nothing was left, or there was no room for it
};

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
};

}  // namespace docktor
