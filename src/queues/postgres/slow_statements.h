// Statements that the server ended before they had an answer: for their time, or because a lock stood in the way.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "core/result.h"
#include "os/backoff.h"

namespace docktor {

/// Those who share a connection with one that comes to no end are read meanwhile: it has the connection for a fifth of the
/// time at most, and at most every 5 s after a while. Not thread-safe.
class SlowStatements {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  bool has(const std::string& sql) const { return statements_.contains(sql); }

  /// What it is answered with in place of a reading, while it waits for its next one.
  std::optional<Error> put_off(const std::string& sql, SteadyTime now) const {
    const auto found = statements_.find(sql);
    return found == statements_.end() || now >= found->second.again ? std::nullopt
                                                                    : std::optional(found->second.why);
  }

  /// It was ended after so long; what it is answered with from now on.
  Error ended(const std::string& sql, Error why, SteadyTime::duration took, SteadyTime now) {
    // Of services that are gone nobody asks any more.
    std::erase_if(statements_, [&](const auto& s) { return s.second.again + std::chrono::minutes(1) < now; });
    auto& s = statements_[sql];
    s.again = now + std::max<SteadyTime::duration>(4 * took, s.backoff.next());
    why.message += "; docktor asks again after a while";
    return s.why = std::move(why);
  }

  void answered(const std::string& sql) { statements_.erase(sql); }

 private:
  struct Statement {
    Error why;
    SteadyTime again{};
    Backoff backoff{std::chrono::seconds(1), std::chrono::seconds(5)};
  };
  std::map<std::string, Statement> statements_;
};

}  // namespace docktor
