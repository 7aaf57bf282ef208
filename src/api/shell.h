// The Shell seam: what serves people and programs beside the daemon's loop.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/operations.h"
#include "control/figures.h"
#include "control/history.h"
#include "control/paths.h"
#include "core/clock.h"
#include "core/daemon_spec.h"
#include "core/lease.h"
#include "core/notify_spec.h"
#include "core/result.h"
#include "core/time.h"

namespace docktor {

/// What the daemon gives to each shell; it outlives them. The functions may be called from any thread but the loop's.
struct ShellParts {
  const Board& board;
  const Clock& clock;
  const Instance& instance;
  std::string config;  ///< the configuration's path
  std::string version;
  std::string run_id;
  bool manual = false;  ///< decisions become proposals
  /// Any operation, or "reload", "config", "health", "stop" {replicas?}. Waits for the answer.
  std::function<Result<nlohmann::ordered_json>(const std::string& operation, const nlohmann::json& arguments,
                                               const Asker& asker)>
      ask;
  /// Of a service, from before what is kept in memory: the journal's history in at most `most` points.
  std::function<Result<std::vector<HistoryPoint>>(const std::string& service, Time from, Time to,
                                                  std::size_t most)>
      recorded;
  /// What all shells together know of the receivers of notifications.
  std::function<std::vector<ChannelFigures>()> receivers;
  std::function<void(bool warning, const std::string& line)> log;
};

/// One folder and one row of app/shells.cc. Called by one thread, but for receivers(); never waits for the loop in it.
class Shell {
 public:
  virtual ~Shell() = default;

  /// Several daemons share the services, by this lease, which outlives the shell. Before open().
  virtual void share(Lease*) {}
  /// Before the first service is made. With an error the daemon does not start.
  virtual Result<void> open(const DaemonSpec& daemon) = 0;
  /// The configuration was read again. An error refuses it, and leaves everything as it was.
  virtual Result<void> apply(const DaemonSpec&) { return {}; }
  /// How the last reload went; empty when it was taken.
  virtual void reloaded(const std::string& /*error*/) {}
  /// Of docktor itself: "started", "stopped".
  virtual void tell(std::string_view /*event*/, const std::string& /*detail*/) {}
  /// Any thread.
  virtual std::vector<ChannelFigures> receivers() const { return {}; }
  /// Nobody is served any more: the loop has ended, and ask() is refused. Once; also without open().
  virtual void close() = 0;
};

struct ShellRow {
  std::string_view name;
  std::unique_ptr<Shell> (*make)(const ShellParts& parts);
};

}  // namespace docktor
