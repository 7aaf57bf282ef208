// What services leave one another: of max_total_replicas, and of this machine.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "control/service.h"
#include "core/host.h"
#include "core/room.h"

namespace docktor {

/// Of the loop's thread.
class Shares {
 public:
  /// `look` reads the machine; it is called once a second at most. Empty: the machine bounds nothing.
  explicit Shares(std::function<HostFigures()> look) : look_(std::move(look)) {}

  /// How many replicas all services that are added from now on may have together.
  void limit_total(std::optional<int> replicas) { max_total_ = replicas; }
  /// How much of this machine their replicas may take.
  void limit_host(const HostSpec& host) { host_ = host; }

  void clear();
  void add(Service& s, Time now);
  /// It has another number of replicas, other bounds, or was decided on. What was just ordered counts before the target shows
  /// it: others decide within the same moment.
  void renew(const Service& s, Time now);

  /// Of max_total_replicas; nothing where there is no such limit.
  std::optional<Room> room_of(const Service& s) const;
  /// Puts what this machine carries beside what people said.
  void bound_by_host(const Service& s, Overrides& o, Time now);

  /// Whether what its replicas use must be read for the machine's sake alone, and how long that then does for.
  bool wants_usage(const Service& s, Time now) const;
  Duration usage_lasts() const;

 private:
  std::function<HostFigures()> look_;
  std::optional<int> max_total_;
  std::vector<Claim> claims_;  // in the order of add(); Service::claim is the place
  HostSpec host_;
  HostShare host_share_;  // in the same order
  HostFigures figures_;
  std::optional<Time> looked_;
};

}  // namespace docktor
