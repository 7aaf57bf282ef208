// The daemon's parts, by value, in the order in which they depend on each other. Only for daemon.cc and daemon_answers.cc.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "app/config_file.h"
#include "app/daemon.h"
#include "app/daemon_journal.h"
#include "app/daemon_locks.h"
#include "app/left_behind.h"
#include "app/service_manager.h"
#include "app/shells.h"
#include "app/wiring.h"
#include "control/controller.h"
#include "control/file_journal.h"
#include "control/lock.h"
#include "control/log_file.h"
#include "control/state_store.h"
#include "core/lease.h"
#include "os/host_reader.h"
#include "os/real_clock.h"

namespace docktor {

/// Unique to a run that begins then: short, for the names of decisions.
std::string run_id_of(Time started);

class Daemon {
 public:
  Daemon(DaemonOptions options, std::vector<FileLock> own_locks, std::shared_ptr<LogFile> log_file);

  Result<void> lock_services();
  /// The right to act that daemons of other hosts may have. Before run().
  Result<void> open_lease();
  int run(const Starter& starter);

 private:
  static constexpr int kExitFailedStart = 1;
  using Json = nlohmann::ordered_json;

  std::string apply(const std::vector<ServiceSpec>& services,
                    const std::function<bool(std::size_t)>& between = {});
  void let_go();
  void make_services(const Starter& starter);
  std::string starting_text() const;
  void look_after_folders();
  bool first_look(const std::function<void(const StartReport&)>& report);
  std::jthread wait_for_signals();

  // What it answers (daemon_answers.cc).
  /// From any thread but the loop's.
  Result<Json> ask(const std::string& command, const nlohmann::json& arguments, const Asker& asker);
  void tell_unsaved(const nlohmann::json& arguments, Json& done);
  Result<Json> stop();
  Result<Json> stop_with_replicas();
  // Loop thread.
  Result<Json> do_command(const std::string& command, const nlohmann::json& arguments, const Asker& asker);
  Result<std::string> reload();
  Json config_shown() const;
  Json about_daemon();
  void stop_all_replicas();
  void look_after_refused_file();

  DaemonOptions options_;
  ServiceManager service_manager_;
  std::vector<FileLock> own_locks_;
  std::shared_ptr<LogFile> log_file_;
  std::shared_ptr<spdlog::logger> log_;
  RealClock clock_;
  HostReader host_;
  const Time started_ = clock_.now();
  const std::string run_id_ = run_id_of(started_);
  FileJournal journal_;
  StateStore state_;
  DaemonLocks locks_;
  std::string log_trouble_;  // as last told
  LeftBehind left_;
  std::size_t starting_ = 0;  // so many services are being made, made_ are
  std::size_t made_ = 0;
  std::chrono::steady_clock::time_point answered_{};
  std::stop_source stop_;
  std::string reload_error_;
  bool refused_file_ = false;  // what was refused is a file other than that in effect
  ConfigFile config_file_;
  Board board_{clock_.now()};
  Wiring wiring_;  // before the controller: connections and supervisors outlive what uses them
  std::unique_ptr<Lease> lease_;
  Controller controller_;
  DaemonJournal journal_answers_;
  ShellParts shell_parts_;
  Shells shells_;  // last: their threads ask everything above
};

/// "web 3" for each service with replicas. Loop thread.
std::vector<std::string> running_text(Controller& controller);
/// The same as a sentence.
std::string left_running(Controller& controller);

}  // namespace docktor
