// A docktor of one's own: private folders, a configuration, the real program, and an account of every
// message.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/support/marked_processes.h"
#include "tests/support/nats_client.h"
#include "tests/support/nats_server.h"
#include "tests/support/patience.h"
#include "tests/support/temp_dir.h"

namespace docktor::test {

struct Ran {
  int code = -1;
  std::string out;  ///< stdout and stderr
};

class Sandbox {
 public:
  using Json = nlohmann::json;

  Sandbox() = default;
  /// Stops daemon and replicas, whatever state they are in.
  ~Sandbox();

  std::string write(const std::string& name, const std::string& text) const { return dir_.file(name, text); }
  std::string path(const std::string& name) const { return (dir_.path() / name).string(); }

  /// Runs a program to its end (at most a minute), with the sandbox's folders in its environment.
  Ran run(const std::string& command, const std::map<std::string, std::string>& environment = {}) const;
  /// `docktor ARGS` in the sandbox's folder.
  Ran docktor(const std::string& args) const;
  /// Starts the daemon for docktor.yaml (or `config`); fails the test when it does not.
  void start(const std::string& config = "docktor.yaml") const;

  /// status --json of one service; null when no daemon answers.
  Json status(const std::string& service = "consumer") const;
  int replicas(const std::string& service = "consumer") const;
  int daemon_pid() const;

  /// The journal's decisions, oldest first; only those that moved the service when `moves`.
  std::vector<Json> decisions(bool moves = false) const;
  /// "1→3 3→5 5→4" of the decisions that moved it.
  std::string moves() const;

  /// Publishes with the example's producer and waits until all are confirmed; `run` names them for
  /// processed().
  void produce(const std::string& url, const std::string& run, int count, double rate = 1e5) const;
  /// Sequence numbers of `run` that workers have on record, each as often as it was processed.
  std::map<long, int> processed(const std::string& run) const;
  bool all_processed(const std::string& run, int count) const;

  /// How often each job stands in the file "jobs", where workers of other queues write what they did.
  std::map<int, int> jobs() const;
  std::string jobs_file() const { return path("jobs"); }

  std::string log() const;
  const MarkedProcesses& processes() const { return marked_; }
  std::string record_file() const { return path("records"); }

 private:
  TempDir dir_;
  MarkedProcesses marked_;
};

/// docktor.yaml for the example's worker. `more` is added to the service (indented by four), `environment` to
/// the worker's.
struct ServiceText {
  std::string url;
  int min = 1;
  int max = 5;
  std::string interval = "500ms";
  std::string process_time_ms = "8";
  std::string more;
  std::string record_file;
  std::string consumer = "WEB_WORKERS";
};
std::string config_text(const ServiceText& t);

/// docktor.yaml for a queue of any kind, `{kind: redis, ...}`, and processes of `command`, "/usr/bin/python3, worker.py": 0 to
/// 5 replicas, by rules of the backlog or the policy that is given.
std::string jobs_config(const std::string& queue, const std::string& command, const std::string& policy = {});

}  // namespace docktor::test
