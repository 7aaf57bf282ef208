#include "bench/real_workers/rows.h"

#include <cmath>
#include <numbers>

namespace docktor::bench {
namespace {

using test::LoadPart;
using test::Trial;
using test::WorkerKind;

using Parts = std::vector<LoadPart>;

Parts steady(double rate) { return {{120, rate}}; }
Parts step(double rate) { return {{60, rate}, {90, 2.5 * rate}}; }

// Two periods of a minute between a fifth and all of `peak`.
Parts sine(double peak) {
  Parts parts;
  for (int s = 0; s < 120; s += 4)
    parts.push_back({4, peak * (0.6 - 0.4 * std::cos(2 * std::numbers::pi * (s + 2) / 60))});
  return parts;
}

Parts on_off(double rate) {
  Parts parts;
  for (int n = 0; n < 3; ++n) {
    parts.push_back({25, rate});
    parts.push_back({20, 1});
  }
  return parts;
}

Row row(const std::string& name, const std::string& worker, const std::string& load, const WorkerKind& kind,
        Parts parts, double max_wait, int max = 30, bool compose = false) {
  return {name, worker, load,
          Trial{.worker = kind,
                .load = std::move(parts),
                .max_wait_seconds = max_wait,
                .max_replicas = max,
                .interval = "1s",
                .compose = compose}};
}

}  // namespace

std::vector<Row> rows() {
  const WorkerKind plain{.start_seconds = 1};
  std::vector<Row> all;
  all.push_back(row("plain-steady", "Python, 1 s of start-up", "steady 80/s", plain, steady(80), 5));
  all.push_back(row("plain-sine", "Python, 1 s of start-up", "sine 20 to 100/s", plain, sine(100), 5));
  all.push_back(row("plain-on-off", "Python, 1 s of start-up", "on-off 80/s", plain, on_off(80), 5));
  all.push_back(row("start-3-step", "Python, 3 s of start-up", "step 40 to 100/s",
                    {.start_seconds = 3, .job_ms = 100}, step(40), 10));
  all.push_back(row("start-10-step", "Python, 10 s of start-up", "step 40 to 100/s",
                    {.start_seconds = 10, .job_ms = 100}, step(40), 10));
  all.push_back(row("start-10-step-wait-30", "Python, 10 s of start-up", "step 40 to 100/s",
                    {.start_seconds = 10, .job_ms = 100}, step(40), 30));
  all.push_back(row("start-30-step", "Python, 30 s of start-up", "step 20 to 50/s",
                    {.start_seconds = 30, .job_ms = 100}, step(20), 45));
  all.push_back(row("cv-1-sine", "Python, jobs of cv 1", "sine 36 to 180/s",
                    {.start_seconds = 1, .job_cv = 1}, sine(180), 5, 40));
  all.push_back(row("cv-3-steady", "Python, jobs of cv 3", "steady 180/s", {.start_seconds = 1, .job_cv = 3},
                    steady(180), 5, 40));
  all.push_back(row("cv-3-step", "Python, jobs of cv 3", "step 60 to 150/s",
                    {.start_seconds = 1, .job_cv = 3}, step(60), 5, 40));
  all.push_back(row("poll-step", "Python, polls each 0.5 s", "step 40 to 100/s",
                    {.start_seconds = 1, .poll_seconds = 0.5}, step(40), 5));
  all.push_back(row("poll-on-off", "Python, polls each 0.5 s", "on-off 80/s",
                    {.start_seconds = 1, .poll_seconds = 0.5}, on_off(80), 5));
  all.push_back(row("fetch-10-step", "Python, fetch(10)", "step 40 to 100/s",
                    {.start_seconds = 1, .fetch = 10}, step(40), 5));
  all.push_back(row("fetch-100-step", "Python, fetch(100)", "step 40 to 100/s",
                    {.start_seconds = 1, .fetch = 100}, step(40), 10));
  all.push_back(row("threads-step", "Python, four threads", "step 60 to 150/s",
                    {.program = "worker_threads.py", .start_seconds = 1, .job_ms = 100, .job_cv = 1},
                    step(60), 5));
  all.push_back(row("node-step", "Node, consume() one ahead", "step 40 to 100/s",
                    {.program = "worker.js", .start_seconds = 1}, step(40), 5));
  all.push_back(row("node-fetch-10-sine", "Node, consume() ten ahead", "sine 20 to 100/s",
                    {.program = "worker.js", .start_seconds = 1, .fetch = 10}, sine(100), 5));
  // Two cores: what burns is kept below one of them.
  all.push_back(row("burn-step", "Python, jobs burn 20 ms of CPU", "step 12 to 30/s",
                    {.start_seconds = 1, .burns = true, .job_ms = 20}, step(12), 5, 6));
  all.push_back(row("compose-start-10-step", "Python in Compose, 10 s of start-up", "step 40 to 100/s",
                    {.start_seconds = 10, .job_ms = 100}, step(40), 10, 20, true));
  return all;
}

}  // namespace docktor::bench
