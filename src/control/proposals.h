// Decisions that wait for a person's yes: one service's open proposals, and when they end.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/decision.h"
#include "core/time.h"

namespace docktor {

/// So long does a proposal from outside wait for an answer.
inline constexpr auto kAskedWaits = std::chrono::minutes(10);

struct Proposal {
  std::string id;  ///< the decision's
  std::string service;
  int from = 0;
  int to = 0;
  std::string reason;
  std::string by;  ///< "the policy", or who proposed it
  Time at{};
  std::optional<Time> until;  ///< what a person or a program proposed does not wait for ever
};

/// Of one service: at most one proposal of its policy, one from outside, and the last one that was rejected.
/// Pure: time and decisions are arguments. Plain data of the loop thread.
class Proposals {
 public:
  using Ended = std::vector<std::pair<Proposal, std::string>>;  ///< with why

  /// Holds the open ones against a new decision: a proposal of the policy ends when the policy no longer
  /// wants to go that way as far; one from outside when the replicas changed, its time passed, or `bounds`
  /// exclude it. A decision that only lacks a new sample ends nothing.
  Ended review(const Decision& decision, Bounds bounds, Time now);

  /// What becomes of a decision that needs approval, after review().
  enum class Standing { kNew, kOpen, kRejected };
  Standing standing(const Decision& decision) const;

  void open(Proposal proposal);  ///< the policy's; there is none open
  /// From outside; an earlier one from outside ends.
  Ended ask(Proposal proposal);
  const Proposal* find(const std::string& id) const;
  std::optional<Proposal> take(const std::string& id);  ///< out of the list: approved
  /// Out of the list, and the like of it is not proposed again while the policy wants the same.
  std::optional<Proposal> reject(const std::string& id, const std::string& by, const std::string& reason);
  Ended drop(const std::string& why);  ///< all of them, the last rejected one too
  std::vector<Proposal> list() const;
  const std::string& rejected_text() const { return rejected_text_; }
  const std::optional<Proposal>& policys() const { return policys_; }
  const std::optional<Proposal>& asked() const { return asked_; }

  /// For the docktor that acts next. Times as clocks on the wall show them, which is `by_wall` later.
  nlohmann::json save(Duration by_wall) const;
  /// What save() wrote; anything missing or absurd is left out. A proposal from outside waits no longer than `most` from now.
  static Proposals restore(const nlohmann::json& saved, const std::string& service, Time now,
                           Duration by_wall, Duration most);
  /// save() may be another than at the last call.
  bool take_changed() { return std::exchange(changed_, false); }

 private:
  std::optional<Proposal> policys_;
  std::optional<Proposal> asked_;
  std::optional<Proposal> rejected_;
  std::string rejected_text_;
  bool changed_ = false;
};

}  // namespace docktor
