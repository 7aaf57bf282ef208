// Other autoscalers' laws as policies, so that a user can see on his own load what each would have done.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy.h"
#include "core/result.h"
#include "core/spec.h"

namespace docktor::peers {

/// What a user of the peer would have had to know, or to measure, in order to configure it.
struct Known {
  double capacity = 20;  ///< messages per second that one replica works off, > 0
  double start_up = 3;   ///< seconds from the order to the first message begun, >= 0
};

/// One way to configure a peer. Its name shows its numbers; those made of `max_wait`, `capacity` and
/// `start_up` are what a careful user would derive from his goal and from what he knows.
struct Setting {
  std::string name;
  std::function<std::unique_ptr<Policy>(const ServiceSpec&, const Known&)> make;
};

struct Peer {
  std::string name;
  bool adaptation = false;        ///< the law does not apply to a queue's workers as it is published
  std::string adaptation_note;    ///< what was adapted; empty where it is the law itself
  std::string source;             ///< where the law is published
  std::vector<Setting> settings;  ///< the defaults first; at most twelve, none for `static`
};

/// Every peer, one row each.
const std::vector<Peer>& all();

/// The policy of that name with its setting number `setting`, for a service with these bounds and this
/// objective (the default one where it has none). Policies keep their own period: they may be asked each
/// second.
///
/// kNotFound for an unknown name, with the list and the nearest name; kInvalid for a setting that the peer
/// does not have, and for `static` without a number (`static:5`).
Result<std::unique_ptr<Policy>> make(std::string_view name, std::size_t setting, const ServiceSpec& service,
                                     const Known& known);

}  // namespace docktor::peers
