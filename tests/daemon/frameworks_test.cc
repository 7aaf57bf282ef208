// Workers of each job framework, started and stopped by docktor: from nothing to five and back, each job done once. Those of
// Oban and Solid Queue are ours, on their published tables. Celery, BullMQ and pg-boss have their examples' tests (celery_test.cc,
// bullmq_test.cc, pgboss_test.cc).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "tests/daemon/sandbox.h"
#include "tests/postgres/tables.h"
#include "tests/support/missing.h"
#include "tests/support/postgres_server.h"
#include "tests/support/redis_server.h"

namespace docktor::test {
namespace {

// {0}: where its program lies, {1}: what was fetched, {2}: the server's url.
struct Framework {
  const char* name;
  const char* kind;
  const char* keys;     // of the queue, besides its address
  const char* program;  // puts jobs in
  const char* worker;   // a command as a list
  int jobs;
  const char* fetched = "";  // a folder of build/
  const char* first = "";    // a verb that makes its tables
  std::string tables = {};   // or its published migrations
  int in_hand = 1;           // jobs that a worker has at most
};
void PrintTo(const Framework& x, std::ostream* out) { *out << x.name; }

class FrameworkWorkers : public testing::TestWithParam<Framework> {
 protected:
  void SetUp() override {
    const auto& f = GetParam();
    if (*f.fetched && !std::filesystem::exists(fetched() + "/fetched")) {
      SKIP_FOR_WANT_OF(fmt::format("{} is not there: scripts/fetch-{}.sh", f.name, f.fetched));
    }
    if (on_redis())
      redis = std::make_unique<RedisServer>();
    else
      postgres = std::make_unique<PostgresServer>();
  }
  bool on_redis() const { return std::string_view(GetParam().kind) == "redis"; }
  std::string url() const { return on_redis() ? redis->url() : postgres->url(); }
  std::string fetched() const { return std::string(DOCKTOR_FETCHED) + "/" + GetParam().fetched; }
  std::string filled(const char* text) const {
    return fmt::format(fmt::runtime(text), std::string(DOCKTOR_TESTS) + "/" + GetParam().kind, fetched(),
                       url());
  }
  /// The gate is open.
  std::string environment(const char* between) const {
    const auto port = on_redis() ? redis->port() : postgres->port();
    return fmt::format(
        "/usr/bin/env{0}GATE=/"
        "{0}JOB_MS=20{0}REDIS_URL={1}{0}REDIS_PORT={2}{0}DATABASE_URL={1}{0}RECORD_FILE={"
        "3}{0}DONE={3}{0}PYTHONDONTWRITEBYTECODE=1{0}PYTHONPATH={4}/python:{5}/redis{0}NODE_PATH={4}/"
        "node_modules{0}",
        between, url(), port, box.jobs_file(), fetched(), DOCKTOR_TESTS, job_ms);
  }
  void begin() const {
    const auto& f = GetParam();
    if (*f.first) run(f.first);
    if (!f.tables.empty()) postgres->sql(f.tables);
    box.write("docktor.yaml", jobs_config(fmt::format("{{kind: {}, url: \"{}\", {}}}", f.kind, url(), f.keys),
                                          environment(", ") + filled(f.worker)));
    box.start();
    EXPECT_EQ(box.replicas(), 0);
  }
  void run(const std::string& verb) const {
    const auto ran = box.run(environment(" ") + filled(GetParam().program) + " " + verb);
    ASSERT_EQ(ran.code, 0) << ran.out;
  }
  void put(int first, int count) const { run(fmt::format("put {} {}", count, first)); }

  std::unique_ptr<RedisServer> redis;
  std::unique_ptr<PostgresServer> postgres;
  Sandbox box;
  int job_ms = 20;
};

TEST_P(FrameworkWorkers, FromNothingToFiveAndBackToZeroWithEveryJobDoneOnce) {
  const auto& f = GetParam();
  begin();
  put(1, f.jobs);
  const auto done = [&](int jobs) {
    return eventually([&] { return static_cast<int>(box.jobs().size()) == jobs; });
  };
  ASSERT_TRUE(done(f.jobs)) << box.jobs().size() << "\n" << box.moves() << "\n" << box.log();
  ASSERT_TRUE(eventually([&] { return box.moves().ends_with("1→0"); })) << box.moves() << "\n" << box.log();
  EXPECT_THAT(box.moves(), testing::StartsWith("0→1 1→3 3→5"));
  // RQ loses a job that comes while a worker shuts down (docs/redis.md).
  ASSERT_TRUE(eventually([&] { return box.processes().alive().size() == 1; })) << "the daemon alone";
  put(f.jobs + 1, 1);
  ASSERT_TRUE(done(f.jobs + 1)) << box.log();
  ASSERT_TRUE(eventually([&] { return box.replicas() == 0; })) << box.moves();
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
}

// What it had in hand is for the framework to give out again, to call failed or to lose; docktor brings another worker, which does
// the rest.
TEST_P(FrameworkWorkers, AKilledWorkerIsReplacedAndOnlyItsOwnJobsAreMissing) {
  constexpr int kJobs = 40;
  job_ms = 100;
  begin();
  put(1, kJobs);
  ASSERT_TRUE(eventually([&] { return box.jobs().size() >= 3; })) << box.log();
  const auto daemon = box.daemon_pid();
  for (const auto& p : box.processes().alive()) {
    if (p.identity.pid != daemon) ::kill(p.identity.pid, SIGKILL);
  }
  const auto done = [&] { return static_cast<int>(box.jobs().size()); };
  ASSERT_TRUE(eventually([&] { return done() >= kJobs - GetParam().in_hand; })) << done() << "\n"
                                                                                << box.log();
  for (const auto& [job, times] : box.jobs()) EXPECT_EQ(times, 1) << "job " << job;
}

std::string framework_name(const testing::TestParamInfo<Framework>& i) {
  std::string name = i.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(
    Frameworks, FrameworkWorkers,
    testing::Values(Framework{"rq", "redis", "framework: rq", "/usr/bin/python3 {0}/frameworks.py rq",
                              "rq, worker, --url, \"{2}\", --with-scheduler, default", 200},
                    Framework{"sidekiq", "redis", "framework: sidekiq", "ruby {0}/sidekiq_job.rb",
                              "sidekiq, -r, {0}/sidekiq_job.rb, -c, \"1\", -q, default, -t, \"8\"", 300},
                    Framework{"laravel", "redis", "framework: laravel, key_prefix: laravel_database_",
                              "php {0}/laravel_job.php", "php, {0}/laravel_job.php, work", 300},
                    Framework{"graphile-worker",
                              "postgres",
                              "framework: graphile-worker, queue: mail",
                              "node {0}/jobs.js graphile-worker",
                              "node, {0}/jobs.js, graphile-worker, work",
                              400,
                              "job-frameworks",
                              "make",
                              {},
                              2},
                    Framework{"procrastinate", "postgres", "framework: procrastinate, queue: mail",
                              "python3 {0}/jobs.py procrastinate",
                              "python3, {0}/jobs.py, procrastinate, work", 300, "job-frameworks", "make"},
                    Framework{"pgmq", "postgres", "framework: pgmq, queue: mail", "python3 {0}/jobs.py pgmq",
                              "python3, {0}/jobs.py, pgmq, work", 300, "job-frameworks", "make"},
                    Framework{.name = "oban",
                              .kind = "postgres",
                              .keys = "framework: oban, queue: mail",
                              .program = "/usr/bin/python3 {0}/published.py oban",
                              .worker = "/usr/bin/python3, {0}/published.py, oban, work",
                              .jobs = 300,
                              .tables = std::string(kObanTables) + kObanIndexes},
                    Framework{.name = "solid-queue",
                              .kind = "postgres",
                              .keys = "framework: solid-queue, queue: mail",
                              .program = "/usr/bin/python3 {0}/published.py solid-queue",
                              .worker = "/usr/bin/python3, {0}/published.py, solid-queue, work",
                              .jobs = 300,
                              .tables = std::string(kSolidQueueTables) + kSolidQueueIndexes},
                    Framework{"river", "postgres", "framework: river, queue: mail", "{1}/river_jobs river",
                              "{1}/river_jobs, river, work", 300, "river", "make"}),
    framework_name);

}  // namespace
}  // namespace docktor::test
