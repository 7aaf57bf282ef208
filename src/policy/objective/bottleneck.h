// Whether added replicas still add throughput, found by trying.
#pragma once

#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "policy/objective/evidence.h"

namespace docktor::objective {

/// Compares what replicas settled under a standing backlog with what more of them settle. Where almost
/// nothing of the growth that was due has come, and chance does not explain it, something else is the
/// bottleneck (a database, a lock, max_ack_pending): what was added goes back, and no more are ordered. That
/// is a belief, so it is narrow and it is tested: it ends with the backlog, when throughput rises or falls
/// without a change of replicas, and after a pause a quarter more are tried, measured, and kept or given
/// back. The pauses grow as tries fail. Not thread-safe.
class Bottleneck {
 public:
  /// What is learned of the workers, as far as a comparison needs it.
  struct Workers {
    double spread = 1;    ///< variance of settled counts over their mean
    double start_up = 0;  ///< seconds from an order until a replica works
    double job = 0;       ///< seconds of work for a message
  };

  /// One more span; `replicas` as of its end, `all_work`: none of them is starting.
  void add(const Span& span, const ReplicaCounts& replicas, bool all_work, double in_hand,
           const Workers& workers);

  /// Replicas grew by a fifth within the last seconds, and it is too early to judge.
  bool pending() const { return pending_; }

  /// The most replicas that there should be; no value: as many as are wanted.
  std::optional<int> most() const;

  /// Not empty: adding replicas does not help at present, for this reason.
  const std::string& reason() const { return reason_; }

  void save(nlohmann::json& state) const;
  void restore(const nlohmann::json& state);

 private:
  struct Sample {
    Time at{};
    double replicas = 0;  // that worked, from its begin to its end
    double settled = 0;
    double seconds = 0;
    double in_hand = 0;
    bool sure = true;  // all of those surely worked; else fewer may have, which makes them look weaker
  };
  struct Window {
    double replicas = 0, rate = 0, error = 0, seconds = 0, in_hand = 0;
    int samples = 0;
  };
  enum class Stage { kFree, kHolding, kTrying };
  enum class Verdict { kOpen, kHelps, kDoesNot };

  Window window(double low, double high, double spread, bool sure, std::optional<Time> after = {}) const;
  Verdict compare(const Window& few, const Window& many, const Workers& workers) const;
  void judge(Time now, const Workers& workers);
  void hold(Time now, const Window& few, const Window& many, const Workers& workers);
  int busy_at_best() const;
  void learn_best(const Window& window);
  void watch_holding(Time now, const Workers& workers);

  std::deque<Sample> samples_;  // under the present backlog, oldest first
  Stage stage_ = Stage::kFree;
  int cap_ = 0;           // replicas, while holding and trying: what is kept
  int too_few_ = 0;       // replicas, while holding: those do not carry as much
  Time stepped_{};        // when `cap_` was changed last
  int tried_ = 0;         // replicas, while trying: what is tried
  double held_rate_ = 0;  // messages per second that the bottleneck lets through
  double best_ = 0;     // messages per second of a replica, the most that was measured under this backlog ...
  double best_at_ = 0;  // ... with so many replicas
  std::optional<Time> doubted_at_;  // when a comparison said first that more do not help
  double grown_from_ = 1e9;         // replicas that worked ...
  Time grown_at_{};                 // ... before they last grew
  int helped_ = 0;                  // tries in a row that helped
  Time until_{};                    // of the pause, or of the try
  double pause_ = 0;                // seconds of the last one
  bool pending_ = false;
  std::string reason_;
};

}  // namespace docktor::objective
