// The only place with time: asks sources and targets what is due, hands observations to autoscalers,
// decisions to targets.
#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "control/advising.h"
#include "control/figures.h"
#include "control/records.h"
#include "control/service.h"
#include "control/shares.h"
#include "control/state_store.h"
#include "control/telling.h"
#include "core/clock.h"
#include "core/journal.h"
#include "core/lease.h"
#include "core/led.h"
#include "os/inbox.h"

namespace docktor {

/// One loop thread owns all state. Everything else reaches it through the inbox. A slow or dead source,
/// target or disk delays no other service: nothing here waits for any of them.
///
/// A test drives it with step() and a clock of its own; the daemon calls run().
class Controller {
 public:
  struct Options {
    const Clock& clock;
    Journal& journal;
    StateStore& state;
    spdlog::logger& log;
    nlohmann::ordered_json metadata;  ///< of every decision: provider, model, verdict
    std::string run_id;               ///< unique to this run; decisions are named <run_id>-<n>
    bool manual = false;              ///< decisions become proposals; only the bounds are mended unasked
    Board* board = nullptr;           ///< where figures for other threads go; outlives the controller
    /// What this machine shows; asked once a second at most. Absent: the machine bounds nothing.
    std::function<HostFigures()> look_at_host{};
  };

  explicit Controller(Options options);
  ~Controller();

  /// For callbacks from other threads (sources, targets, control socket, signals).
  std::shared_ptr<Inbox> inbox() { return inbox_; }

  /// Makes the services those of `parts` (loop thread, or before run): unchanged ones go on as they are,
  /// changed ones are re-made with what they had learned, others end; their replicas are left running.
  /// Returns a sentence for the log.
  /// Thousands take seconds: `between` is called after each that was made, with how many there are, and
  /// returns false to leave it at these. It may answer events.
  std::string apply(const std::vector<ServiceSpec>& specs,
                    const std::function<ServiceParts(const ServiceSpec&)>& make,
                    const std::function<bool(std::size_t)>& between = {});

  /// What the services of the next apply() may have together, and of this machine. Loop thread, or before run.
  Shares& shares() { return shares_; }

  /// Several daemons share the services: this one acts while it has the lease, which outlives the controller. Before
  /// apply().
  void share(Lease* lease);

  /// Handles the events that wait, without doing what is due. For apply's `between`.
  void answer_events();

  /// From now on this model is asked (controller_advice.cc). Loop thread, or before run.
  void advise_with(Advising advising);

  /// Handles the events in `timeout` or less, does everything due, and returns when the next thing is due.
  Time step(std::chrono::nanoseconds timeout);

  /// step() until the token is stopped; then saves everything.
  void run(const std::stop_token& stop);

  /// What a target calls when its report changed (any thread).
  std::function<void()> change_callback(const std::string& service);

  /// Status of all services, or of one; null when there is no such service. Loop thread.
  nlohmann::ordered_json status(const std::string& service = {});

  // Overrides and approval (controller_overrides.cc). All in the loop thread; `by`
  // is who asked, for journal and status. Each decides at once, is kept over a restart, and returns a
  // sentence on what holds now. kNotFound for an unknown service or proposal, kInvalid with what would be
  // right.

  /// Ends a pause, a scale and a stop by hand.
  Result<std::string> resume(const std::string& service, const std::string& by);
  Result<std::string> pause(const std::string& service, std::optional<Duration> length,
                            const std::string& reason, const std::string& by);
  /// `replicas` must lie within the bounds.
  Result<std::string> scale(const std::string& service, int replicas, std::optional<Duration> length,
                            const std::string& reason, const std::string& by);
  Result<std::string> set_bounds(const std::string& service, Bounds bounds, std::optional<Duration> length,
                                 const std::string& by);
  Result<std::string> reset_bounds(const std::string& service, const std::string& by);
  /// Why the model did not answer last time; empty when it did, or was not asked yet. Loop thread.
  std::string model_trouble() const { return backoff_.why(); }
  /// From outside; waits for a person in either mode, ten minutes at most.
  Result<std::string> propose(const std::string& service, int replicas, const std::string& reason,
                              const std::string& by);
  Result<std::string> approve(const std::string& id, const std::string& by);
  Result<std::string> reject(const std::string& id, const std::string& reason, const std::string& by);
  /// Open proposals of all services, or of one, oldest first.
  nlohmann::ordered_json proposals(const std::string& service = {});

  /// While on, nothing is evaluated or ordered: samples are taken, and people are answered.
  void hold_orders(bool on);

  /// Why the last record was not written; empty when it was. Loop thread.
  const std::string& journal_trouble() const { return records_.trouble(); }

  /// Whether this daemon acts, or why not: "docktor-2 leads". Loop thread.
  std::string not_leading() const { return not_leading(options_.clock.now()); }

  /// Nothing is decided or ordered any more, and targets are let go; what runs, runs on. Loop thread, after run().
  void close();

  /// `stop --replicas`: no more decisions; every service to zero, each replica with its grace period. Loop
  /// thread.
  void stop_replicas();

  /// Replicas of all services that still run, stopping ones included. Loop thread.
  std::size_t replicas_left();

  /// Whether every service had a good sample and its target answered, or what is missing. Loop thread.
  std::vector<std::string> not_ready() const;

  /// What keeps services from what the policy may want: what people ordered earlier, and replicas that cannot run. A
  /// sentence each.
  std::vector<std::string> restrictions() const;

  /// Writes every service's state. Loop thread.
  void save();

  Service* find(const std::string& name);
  std::vector<std::string> names() const;

 private:
  void look_at_wall(Time now);
  // For callbacks from other threads: the event happens in the loop's thread, to the service as it is then; to none that has
  // ended or was made anew meanwhile.
  using Event = std::function<void(Service&)>;
  using Post = std::function<void(Event)>;
  Post post_to(const Service& s);
  void start(Service& s);
  void touch(Service& s);
  void end(Service& s);  ///< it leaves; its replicas run on
  void reschedule();
  void save_next(Time now);
  Result<void> save(Service& s, StateStore::Matter matter = StateStore::Matter::kSaid);
  void read_queue(Service& s);
  void read_usage(Service& s);
  void on_queue(Service& s, Result<Reading> reading);
  void on_usage(Service& s, Result<Reading> reading);
  void on_wake(Service& s);
  void on_outcome(Service& s, std::uint64_t order, const Result<std::string>& outcome);
  void take_in(Service& s, Input input);
  void refresh(Service& s);  ///< look(), and watch where there is nobody
  void look(Service& s);
  void watch(Service& s);
  void look_at_calendar(Service& s);
  void read_host_usage(Service& s, Time now);
  bool may_come_early(const Service& s, const Observation& seen, Time now) const;
  void look_early(Service& s, const Observation& seen, Time now);
  void evaluate(Service& s);
  Result<Service*> known(const std::string& service);
  Result<void> may_act() const;

  // Several daemons of which one acts (controller_lease.cc).
  /// Not before take_over(): what people told the one before holds here, too.
  bool leads(Time now) const { return !lease_ || (leads_ && lease_->term(now)); }
  std::string not_leading(Time now) const;
  void look_at_lease(Time now);
  void take_over(Service& s);
  void take_part(Service& s);
  void take_up_proposals(Service& s, const nlohmann::json& said);
  void leave(Service& s) const;
  void leave(Service& s, nlohmann::json learned) const;
  void announce(Service& s, ScaleOrder order);
  Overrides overrides_of(Service& s, Time now);
  void end_overrides(Service& s, Time now);
  void acted(Service& s, const char* what, nlohmann::ordered_json details, const std::string& text,
             const std::string& by);
  std::string kept(Service& s, std::string text);
  void ended(Service& s, const Proposals::Ended& proposals);
  std::string propose(Service& s, const Decision& decision, const std::string& id);
  void order(Service& s, int from, int to, nlohmann::ordered_json record, std::string version,
             bool recorded = false);
  void send(Service& s, ScaleOrder order);
  void conclude(Service& s, Evaluation e);

  // A language model's part (controller_advice.cc).
  std::uint64_t ask_model(Service& s, const AdviceQuestion& question);
  bool await_advice(Service& s, Evaluation& e);  // true: the scale-down waits, `e` was taken
  void hear_of_scale_up(Service& s, const Evaluation& e);
  void take_added(Service& s, Evaluation& e);
  void on_advice(Service& s, std::uint64_t number, Result<Advice> answer);
  void settle(Service& s, Result<Advice> answer);
  void withdraw(Service& s);  // a scale-down that still waits is not made
  void settle_without(Service& s, const std::string& why);
  void note_model(const std::string& failure);
  void explain_later(const Service& s, const nlohmann::ordered_json& done);
  void close_order(Service& s, const std::string& outcome, const std::string& error);
  Time due(const Service& s) const;
  void do_due(Service& s, Time now);
  Instant instant() const;
  void publish_touched();
  void tell(const Service& s, const nlohmann::ordered_json& record, const std::string& outcome) const;

  Options options_;
  std::shared_ptr<Inbox> inbox_;
  Records records_;
  Shares shares_;
  std::map<std::string, std::unique_ptr<Service>> services_;
  std::set<std::pair<Time, Service*>> schedule_;  // when each is due; those in touched_ may be elsewhere
  std::vector<Service*> touched_;
  std::vector<std::string> order_of_names_;
  std::uint64_t next_generation_ = 1;
  std::uint64_t next_decision_ = 1;
  std::uint64_t next_order_ = 1;
  std::uint64_t next_question_ = 1;
  Advising advising_;
  AdviceBackoff backoff_;
  Time next_save_{};
  std::size_t to_save_ = 0;  // of order_of_names_
  bool hold_orders_ = false;
  Lease* lease_ = nullptr;
  bool leads_ = true;    ///< as last seen
  bool ending_ = false;  ///< stop_replicas was called
  DaemonFigures figures_;
};

}  // namespace docktor
