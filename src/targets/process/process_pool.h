// The replicas of one process service, as the supervisor's thread sees them: orders, crashes, deadlines.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/killed_stops.h"
#include "core/target.h"
#include "targets/process/process.h"
#include "targets/process/process_files.h"
#include "targets/process/process_replica.h"
#include "targets/process/process_scan.h"
#include "targets/process/process_shown.h"
#include "targets/process/process_supervisor.h"

namespace docktor {

/// An order under way, and what was done of it.
struct ProcessOrder {
  int replicas = 0;
  std::function<void(Result<std::string>)> done;
  std::vector<std::string> started;
  std::vector<std::string> stopped;
  std::optional<Error> error;
};

/// All functions but report() run in the supervisor's thread. After close() nothing happens any more.
class ProcessPool : public std::enable_shared_from_this<ProcessPool> {
 public:
  using Done = std::function<void(Result<std::string>)>;

  ProcessPool(ProcessOptions options, ProcessSupervisor& supervisor, const Clock& clock);

  void adopt();
  void scale(const ScaleOrder& order, Done done);
  void close();
  const ProcessOptions& options() const { return options_; }

  TargetReport report();

 private:
  using Phase = ProcessReplica::Phase;
  using TimePoint = ProcessReplica::TimePoint;

  // Orders.
  void start_some();
  void finish_order(const std::string& superseded_by);

  // A replica's life.
  Result<void> start(ProcessReplica& r);
  SpawnOptions options_for(const ProcessReplica& r) const;
  void took_up(ProcessReplica& r);
  void heard(ProcessReplica& r, const Notification& told);
  void end_start_up(ProcessReplica& r);
  void stop(ProcessReplica& r);
  void on_end(ProcessReplica& r);
  void look_soon_after(ProcessReplica& r);
  std::vector<EndedReplica> ended_now();
  void look_after_ended(std::span<const std::vector<ProcessIdentity>> left);
  void first_process_ended(ProcessReplica& r);
  void nothing_left(ProcessReplica& r);
  void crashed(ProcessReplica& r, Duration ran);
  void end_left(ProcessReplica& r, const std::vector<ProcessIdentity>& left);
  void kill_running(ProcessReplica& r);
  void on_deadline(ProcessReplica& r);
  void remove(ProcessReplica& r);
  void forget(ProcessReplica& r);

  // Adoption (process_adoption.cc).
  void adopt_recorded(const RecordedReplica& recorded, std::vector<std::string>& gone);
  void adopt_found(const std::string& token, const std::vector<ProcessStat>& processes, bool leader_gone);
  void hold(ProcessReplica& r, Fd pidfd, const ProcessStat& stat);

  // Housekeeping and report (process_housekeeping.cc).
  void tick();
  void plan();
  void housekeep();
  void keep_files();
  void touch();
  void touch_record();
  void publish();
  void news(std::string text);

  ProcessOptions options_;
  ProcessSupervisor& supervisor_;
  const Clock& clock_;
  ProcessFiles files_;
  ProcessShown shown_;
  std::string fingerprint_;
  std::string says_ready_;  // the fingerprint of replicas of which one has said READY=1: the others will

  std::list<ProcessReplica> replicas_;  // oldest first; a list, since handlers hold addresses
  std::uint64_t next_order_ = 1;
  std::optional<ProcessOrder> order_;
  std::vector<ProcessReplica*> ended_;  // to be looked after together, by one pass over /proc
  std::optional<TimePoint> next_housekeeping_;
  std::optional<TimePoint> show_status_at_;
  KilledStops killed_stops_;
  bool record_changed_ = false;
  bool publish_posted_ = false;
  bool closed_ = false;
};

/// The lowest numbers that no replica has.
std::vector<int> free_numbers(const std::list<ProcessReplica>& replicas, int count);

/// Where a replica's output goes.
std::string output_path(const ProcessOptions& options, const std::string& id);

}  // namespace docktor
