// Worker processes without a health check: they count as ready a second after their start, whatever they do
// then.
#include "tests/workers/judge.h"

namespace docktor::test {
namespace {

class ProcessWorkers : public NeedsClients {};

TEST_F(ProcessWorkers, PythonThatStartsSlowlyMeetsAStepOfTheLoad) {
  judge(run_trial({.worker = {.start_seconds = 4, .job_ms = 80},
                   .load = {{12, 20}, {18, 60}},
                   .max_wait_seconds = 4,
                   .max_replicas = 16}));
}

TEST_F(ProcessWorkers, PythonWithJobsOfVeryDifferentLength) {
  judge(run_trial({.worker = {.start_seconds = 1, .job_cv = 3},
                   .load = {{5, 10}, {25, 90}},
                   .max_wait_seconds = 3,
                   .max_replicas = 20}));
}

TEST_F(ProcessWorkers, PythonThatPollsEachHalfSecond) {
  judge(run_trial({.worker = {.poll_seconds = 0.5},
                   .load = {{8, 15}, {20, 60}},
                   .max_wait_seconds = 3,
                   .max_replicas = 16}));
}

TEST_F(ProcessWorkers, NodeThatTakesTenMessagesAhead) {
  judge(run_trial({.worker = {.program = "worker.js", .start_seconds = 1, .fetch = 10},
                   .load = {{8, 20}, {20, 80}},
                   .max_wait_seconds = 3,
                   .max_replicas = 16}));
}

TEST_F(ProcessWorkers, PythonWithFourThreads) {
  judge(run_trial({.worker = {.program = "worker_threads.py", .start_seconds = 1, .job_ms = 100, .job_cv = 1},
                   .load = {{8, 30}, {20, 110}},
                   .max_wait_seconds = 3,
                   .max_replicas = 8}));
}

}  // namespace
}  // namespace docktor::test
