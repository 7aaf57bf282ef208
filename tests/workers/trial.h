// One trial: a real nats-server, the real daemon, and workers as people write them under a load. What came of
// it is read from what the workers wrote down and from the journal.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/daemon/sandbox.h"

namespace docktor::test {

/// A worker program of this folder, and how it behaves. It has no health check.
struct WorkerKind {
  std::string program = "worker.py";  ///< worker.py, worker_threads.py or worker.js
  double start_seconds = 0;           ///< before it connects
  int fetch = 1;                      ///< messages that it asks for at once
  double poll_seconds = 0;            ///< 0: it waits at the server
  bool burns = false;                 ///< jobs burn CPU instead of sleeping
  double job_ms = 50;                 ///< mean, lognormal
  double job_cv = 0.3;                ///< coefficient of variation
};

/// Messages a second (Poisson) for so many seconds.
struct LoadPart {
  double seconds = 0;
  double rate = 0;
};

struct Trial {
  WorkerKind worker;
  std::vector<LoadPart> load;
  double max_wait_seconds = 5;
  int max_replicas = 20;
  std::string interval = "500ms";
  bool compose = false;  ///< containers instead of processes; needs Docker and the image docktor-test/base
};

struct Outcome {
  long sent = 0;
  long lost = 0;           ///< never begun
  double late = 0;         ///< share that waited longer than max_wait
  double p99 = 0;          ///< seconds
  double longest = 0;      ///< seconds that one message waited
  double rho = 0;          ///< replica-seconds over seconds of work, while there was load
  double stand_still = 0;  ///< longest time (s) of one number of replicas below max while a message was late
  int idle_looks = 0;  ///< longest run of evaluations like that by what docktor itself knew, nothing starting
  int claims = 0;      ///< decisions that say that more replicas do not help
  int most = 0;        ///< most replicas
  std::string moves;   ///< "1→3 3→5 ...", each with its reason, a line each
};

/// Where scripts/fetch-worker-clients.sh left the clients; empty when it did not, or could not.
std::string worker_clients();

/// Plays the load and waits until every message was begun or nothing has happened for a minute. `progress`
/// hears the seconds played. The journal is copied to `keep_journal` where that is not empty.
Outcome run_trial(const Trial& trial, const std::function<void(double)>& progress = {},
                  const std::string& keep_journal = {});

}  // namespace docktor::test
