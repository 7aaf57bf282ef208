// The command line as values. Parsing is one file (cli.cc), the table of commands another (command_table.cc); every command is
// one function of its own file.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace docktor {

/// Exit codes: 0 done, 1 it failed, 2 the command line or the configuration is wrong, 3 no daemon runs.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotRunning = 3;

/// What `docktor simulate` may be told, as typed.
struct SimulateFlags {
  std::string trace, shape, journal;  ///< where the load comes from: exactly one of them
  std::string begins;                 ///< of the load, for a schedule
  std::string policies;               ///< comma-separated; empty: ours and every peer
  std::string max_wait;
  std::optional<double> capacity;  ///< messages per second of a replica
  std::string start_up, start_up_deviation;
  double cv = 0.3;
  int prefetch = 1;
  std::string worker;
  int clump = 1;
  bool exact = false;
  std::vector<std::string> faults;
  int seeds = 10;
  bool tuned = false;
  bool no_optimum = false;
  bool details = false;
  std::string report, svg;
};

struct Cli {
  std::string cwd;  ///< where the command was typed; relative paths of flags and variables refer to it
  int (*run)(const Cli&) = nullptr;  ///< the command that was typed
  std::optional<std::string> config;
  std::string service;
  std::string interval;
  std::string compose_file;
  bool foreground = false;
  bool wait_ready = false;
  bool replicas = false;
  bool offline = false;
  bool json = false;
  bool follow = true;
  bool changes = false;
  long tail = -1;
  std::string id;
  int count = 0;       ///< of `scale`
  int port = 0;        ///< of `web`; 0: any
  int min = -1;        ///< of `set-bounds`
  int max = -1;        ///< of `set-bounds`
  bool reset = false;  ///< of `set-bounds`
  std::string length;  ///< --for
  std::string reason;
  std::string channel;      ///< of `notify test`; empty: all
  bool act = false;         ///< of `top`
  std::string last = "7d";  ///< of `savings`
  bool manual = false;
  bool allow_actions = false;        ///< of `mcp`
  std::vector<std::string> dry_run;  ///< services; an empty name means all
  double seconds = 60;
  std::string queue = "nats";  ///< demo: one of demo_queue_names()
  SimulateFlags simulate;
  std::string provider;  ///< set-model, list-models
  std::string base_url;
  std::string journal;      ///< eval: another journal's file
  double capacity = 0;      ///< eval: messages per second of a replica; 0: as recorded
  double start_up = -1;     ///< eval: seconds; below 0: as recorded
  bool autonomous = false;  ///< chat: acts without asking
  bool headless = false;    ///< chat: for scripts
  bool debug = false;       ///< chat: shows what is said to the model
  bool ignored = false;     ///< chat: flags of earlier versions that mean nothing any more
};

struct Parsed {
  Cli cli;
  std::optional<int> exit;  ///< nothing left to do (help, version, a mistake); the text was printed
};

/// Prints help and version to stdout, mistakes ("did you mean") to stderr.
Parsed parse_command_line(int argc, const char* const* argv);

}  // namespace docktor
