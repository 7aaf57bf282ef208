// The `process` target: worker processes of this host, supervised, so that the whole product runs with no
// Docker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/target.h"
#include "os/spawn.h"
#include "targets/process/process_spec.h"

namespace docktor {

class ProcessPool;
class ProcessSupervisor;

/// How replicas are looked after. The defaults are for people; tests shorten them.
struct ProcessCare {
  Duration first_backoff =
      std::chrono::milliseconds(500);  ///< before the first restart of a replica that exits at once
  Duration longest_backoff = std::chrono::seconds(30);  ///< it doubles up to this
  Duration stable_after =
      std::chrono::seconds(10);  ///< one that ran this long is restarted at once, its failures forgotten
  Duration output_check = std::chrono::seconds(1);  ///< how often the sizes of output files are looked at
  std::size_t output_cap =
      1 << 20;  ///< bytes of output kept per replica, and as much again in a file .1 beside it
};

struct ProcessOptions {
  std::string service;
  ProcessSpec spec;
  std::string state_directory;  ///< the record: <service>.replicas.json; made when missing
  std::string log_directory;    ///< output: <replica>.log; made when missing
  std::function<void()>
      on_change;  ///< the report may differ now; called from the supervisor's thread, must not block
  int max_replicas = 1000;  ///< orders for more are refused, whoever made the mistake
  bool restart = true;      ///< off: one that crashes is not started again (a dry run does nothing)
  /// Below spec.environment; absent: inherited_environment(), as it is when a replica starts.
  std::optional<std::map<std::string, std::string>> inherited;
  ProcessCare care{};
};

/// For `config validate` (no supervisor needed): command, directory, folders, each with its cure. Blocking.
std::vector<Finding> check_process_target(const ProcessOptions& options);

/// How many replicas run now, by the token in their environment; for a look without a daemon. Reads the
/// environment of every process of this user. kDenied where the pool's identity cannot be read.
Result<int> count_process_replicas(const ProcessOptions& options);

/// Replicas are processes, each in a process group of its own, named <service>-1, -2, ... Their environment:
/// docktor's (see inherited_environment), then spec.environment, then DOCKTOR_SERVICE, DOCKTOR_REPLICA and
/// DOCKTOR_TOKEN.
///
/// Ready: ran for spec.ready_after. One that ends by itself with 0 (after so many jobs, as supervisors like
/// it) is started again, at once or half a second after its last start, and counts as ready all along once it
/// was. One that ends with another status, or by a signal, has crashed: it is restarted; where it exits at
/// once it counts as failing, with growing pauses, until it has proved itself ready again.
///
/// Stopping: SIGTERM to the replica's first process only, as Docker does, so that a worker may drain with the
/// help of its children; when it has ended, SIGTERM to what is left of it (a shell ends without telling its
/// child); after stop_grace_period SIGKILL to all. "Left of it" is its process group, and whatever else
/// carries its DOCKTOR_TOKEN: a command that puts itself in the background does not escape, unless it does so
/// in a session of its own with an environment that it cleared. A replica starts
/// again only when nothing is left of it.
///
/// Replicas outlive this object and docktor: the next object with the same state directory and service adopts
/// those that run, by the record (process, start time and boot must agree) or, where there was no time to
/// write one or the disk was full, by DOCKTOR_TOKEN in their environment. A recycled pid is never touched.
/// What cannot be written or read is news, never an end; nothing of it makes report().problem.
///
/// Thread-safe. The destructor waits for the supervisor's thread (never call it there); orders not yet done
/// are answered with an error.
class ProcessTarget final : public Target {
 public:
  /// Adopts what runs before it returns. `supervisor` and `clock` must outlive this object.
  ProcessTarget(ProcessOptions options, ProcessSupervisor& supervisor, const Clock& clock);
  ~ProcessTarget() override;

  /// Idempotent: replicas is the number wanted. `done` is called from the supervisor's thread; a superseded
  /// order is done with what it had done. When a command cannot be started, its replicas are there as failing
  /// and `done` gets the error.
  void scale(const ScaleOrder& order, std::function<void(Result<std::string>)> done) override;
  TargetReport report() override;
  std::vector<Finding> check() override;

 private:
  ProcessSupervisor& supervisor_;
  std::shared_ptr<ProcessPool> pool_;
};

}  // namespace docktor
