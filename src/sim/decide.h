// `docktor decide`: the autoscalers of a configuration as a filter from observations to decisions, a JSON
// line each.
#pragma once

#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "core/autoscaler.h"
#include "core/room.h"
#include "core/spec.h"
#include "schedule/schedule.h"

namespace docktor {

/// One autoscaler a service, driven by lines. No clock, no network: each line carries its own time. Not
/// thread-safe.
class Decider {
 public:
  static constexpr std::size_t kMaxLine = 1 << 20;

  explicit Decider(const Config& config);

  /// The answer to input line number `number` (from 1 on), without a newline: the decision's record with `t`
  /// first, or
  /// {"line":n,"error":"..."} for a line that is bad, or whose t is not later than the same service's line
  /// before; such a line changes nothing.
  std::string answer(std::string_view line, std::size_t number);

 private:
  struct Entry {
    Autoscaler autoscaler;
    Schedule calendar;
    std::size_t claim;
  };
  std::map<std::string, Entry, std::less<>> services_;
  std::optional<int> max_total_;
  std::vector<Claim> claims_;
};

/// Answers each line of `in` on `out`, in order, each flushed before the next is read. Returns the program's
/// exit code: 0 at the end of input, whatever the lines were; 1 when `out` takes no more.
int run_decide(std::istream& in, std::ostream& out, const Config& config);

}  // namespace docktor
