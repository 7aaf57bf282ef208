// The Lease seam: the right to act, which one daemon has of several that watch the same services.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/finding.h"
#include "core/lease_spec.h"
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

  // Once each, and the only calls that may wait, for seconds at most.

  /// Reads what a leader has left, and begins to compete.
  virtual void begin() {}
  /// Writes what is to be left and gives the lease up, so that another has it at once. From then on it is not held.
  virtual void release() {}

  /// These are the services now: of others nothing is left.
  virtual void keep(const std::vector<std::string>& /*services*/) {}
};

/// What the daemon gives to a lease; it outlives it.
struct LeaseParts {
  const Clock& clock;
  std::function<void()> on_change;  ///< standing() may differ; from any thread, must not block
  std::function<void(bool warning, const std::string& line)> log;
};

/// One folder and one row of app/leases.cc.
struct LeaseRow {
  std::string_view kind;
  /// The error says what is not to be found.
  Result<std::unique_ptr<Lease>> (*open)(const LeaseSpec& spec, LeaseParts parts);
  /// For `config validate`: whether it can be had, and who has it. Blocking, for seconds.
  std::vector<Finding> (*check)(const LeaseSpec& spec);
};

}  // namespace docktor
