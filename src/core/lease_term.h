// Whether a daemon may act, and who may, as plain values.
#pragma once

#include <cstdint>
#include <string>

#include "core/time.h"

namespace docktor {

/// How long what is ordered now may be on its way; instants of the daemon's own clock.
struct LeaseTerm {
  Time send_before{};  ///< from then on the lease is not surely held: nothing goes out
  Time ends{};         ///< from then on another may have it: what went out is not waited for any longer
  friend bool operator==(const LeaseTerm&, const LeaseTerm&) = default;
};

/// Who has it, for people.
struct LeaseStanding {
  bool leads = false;
  std::string leader;       ///< its name, this daemon's included; empty: nobody is known to lead
  std::uint64_t epoch = 0;  ///< how often it went from one to another
  std::string trouble;      ///< why it cannot be had or kept; empty: all is well
};

}  // namespace docktor
