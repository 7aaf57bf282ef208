// What a look shows, for tests: services whose conditions come and go, at any time.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "notify/event.h"

namespace docktor::notify::test {

inline Time at(double s) { return time_at(1'000'000 + s); }

/// Figures that a test changes before they are seen.
inline ServiceFigures figures(const std::string& name, Holdings holdings = {}) {
  ServiceFigures f;
  f.name = name;
  f.queue = "nats://h (S/C)";
  f.at = at(0);
  f.bounds = {1, 10};
  f.counts.current = f.counts.ready = 3;
  f.latest.queue_at = at(0);
  f.holdings = std::move(holdings);
  return f;
}

inline Sight sight(double s, std::vector<ServiceFigures> services, std::string reload_error = {}) {
  Sight out;
  out.now = at(s);
  for (auto& f : services) out.services.push_back(std::make_shared<const ServiceFigures>(std::move(f)));
  out.reload_error = std::move(reload_error);
  return out;
}

inline Holdings unreachable() { return {{Condition::kQueueUnreachable, "since 10:00: timeout"}}; }

}  // namespace docktor::notify::test
