// A worker in a container that needs ten seconds until it takes a message and has no health check: to the
// engine it is there the moment it runs.
#include "tests/workers/judge.h"

namespace docktor::test {
namespace {

class ComposeWorkers : public NeedsClients {};

TEST_F(ComposeWorkers, PythonThatNeedsTenSecondsToStartMeetsAStepOfTheLoad) {
  judge(run_trial({.worker = {.start_seconds = 10, .job_ms = 100},
                   .load = {{40, 30}, {45, 75}},
                   .max_wait_seconds = 10,
                   .max_replicas = 20,
                   .interval = "1s",
                   .compose = true}));
}

}  // namespace
}  // namespace docktor::test
