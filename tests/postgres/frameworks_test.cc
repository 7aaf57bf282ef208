// The frameworks themselves make their tables, put jobs in and work on them; what is read is what was done at every moment
// of their lives, and what the framework counts itself.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/flow.h"
#include "tests/postgres/reader.h"
#include "tests/redis/program.h"
#include "tests/support/missing.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;

struct Life {
  const char* framework;
  const char* package;  // as the program knows it
  const char* program;  // {0}: the test's folder, {1}: that of the frameworks, {2}: River's
  const char* needs;    // the script that fetches them
  int at_once;          // jobs that a worker takes
  bool wakes;
  bool retries;  // a job that failed waits for its next try
  bool pauses;
  bool flows;         // how many jobs came is told
  bool dead = false;  // those that failed for good are told
};

class PostgresLife : public testing::TestWithParam<Life> {
 protected:
  std::string line(const std::string& verb) const {
    const std::string fetched = DOCKTOR_JOB_FRAMEWORKS;
    return fmt::format(
        "env DATABASE_URL={} GATE={} DONE={} NODE_PATH={}/node_modules PYTHONPATH={}/python {} {} {}",
        server->url(db), file("gate"), file("done"), fetched, fetched,
        fmt::format(fmt::runtime(GetParam().program), DOCKTOR_POSTGRES_TESTS, fetched, DOCKTOR_RIVER),
        GetParam().package, verb);
  }
  std::string file(const std::string& name) const { return (dir.path() / name).string(); }
  std::string text(const std::string& name) const {
    std::ifstream in(file(name));
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  void run(const std::string& verb, const std::string& log = "log") {
    Program p(line(verb), file(log));
    ASSERT_EQ(p.wait(), 0) << verb << "\n" << text(log);
  }
  std::unique_ptr<Program> start(const std::string& verb) const {
    return std::make_unique<Program>(line(verb), file("log"));
  }
  int size() {
    std::filesystem::remove(file("size"));
    run("size", "size");
    return std::atoi(text("size").c_str());
  }
  long done() const {
    const auto lines = text("done");
    return std::ranges::count(lines, '\n');
  }
  template <class Wanted>
  QueueSample until(PostgresReader& reader, Wanted wanted) {
    QueueSample s;
    EXPECT_TRUE(eventually([&] {
      s = reader.sample();
      return wanted(s);
    })) << "waiting "
        << s.num_pending << ", in hand " << s.in_hand() << "\n"
        << text("log");
    return s;
  }

  bool missing() {
    const auto& life = GetParam();
    const bool river = life.needs == std::string("scripts/fetch-river.sh");
    if (std::filesystem::exists(std::string(river ? DOCKTOR_RIVER : DOCKTOR_JOB_FRAMEWORKS) + "/fetched"))
      return false;
    const auto why = fmt::format("{} is not there: {}", life.package, life.needs);
    [&] { SKIP_FOR_WANT_OF(why); }();
    return true;
  }
  void pause_and_resume(PostgresReader& reader, std::uint64_t waiting) {
    run("pause");
    EXPECT_THAT(reader.sample().paused, HasSubstr("queue mail is paused in"));
    run("resume");
    const auto s = reader.sample();
    EXPECT_EQ(s.paused, "");
    EXPECT_EQ(s.num_pending, waiting);
  }
  PostgresReader read(std::vector<std::string> queues = {"mail"}) const {
    return PostgresReader(jobs_of(server->url(db), GetParam().framework, std::move(queues)));
  }

  TempDir dir;
  PostgresServer* server = &shared_server();
  std::string db = shared_server().new_database();
};

TEST_P(PostgresLife, IsReadAsItIs) {
  const auto& life = GetParam();
  if (missing()) return;
  auto reader = read();
  reader.error(ErrorCode::kNotFound);
  run("make");
  EXPECT_EQ(reader.with_backlog(0).num_ack_pending, 0u);
  std::atomic<bool> woken = false;
  reader.source().watch([&] { woken = true; });
  for (int i = 0; i < 4; ++i) (void)reader.sample();
  const auto before = reader.sample();
  run("put 5");
  EXPECT_TRUE(!life.wakes || eventually([&] { return woken.load(); }));
  run("put-later 4");
  auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 5u);
  EXPECT_EQ(s.scheduled, 4u);
  EXPECT_EQ(s.num_ack_pending, 0u);
  EXPECT_EQ(size(), 9);
  EXPECT_THAT(reader.findings(), HasSubstr("mail: 5 waiting, 0 in hand, 4 scheduled"));
  const auto flow = flow_between(before, s, std::chrono::seconds(1));
  ASSERT_EQ(flow.flow.has_value(), life.flows);
  EXPECT_EQ(flow.flow ? flow.flow->arrivals : 5, 5) << "of those that wait for their time none has come";

  const auto held = static_cast<std::uint64_t>(life.at_once);
  auto worker = start("work");
  s = until(reader, [&](const QueueSample& q) { return q.in_hand() == held; });
  EXPECT_EQ(s.num_pending, 5 - held);
  EXPECT_EQ(size(), 9);
  if (life.pauses) pause_and_resume(reader, 5 - held);
  worker->kill();
  EXPECT_EQ(reader.sample().num_ack_pending, held) << "work of a dead worker stays in hand";
  run("put-failing 1");
  if (life.retries) run("put-retrying 1");
  dir.file("gate", "");
  worker = start("work");
  const auto later = life.retries ? 5u : 4u;
  s = until(reader, [&](const QueueSample& q) {
    return q.num_pending == 0 && q.in_hand() == held && q.scheduled == later;
  });
  EXPECT_EQ(done(), static_cast<long>(5 - held)) << "each of the others once, and those that fail never";
  EXPECT_EQ(s.dead, life.dead ? std::optional<std::uint64_t>(1) : std::nullopt);
  worker->kill();
  EXPECT_EQ(size(), static_cast<int>(held + later)) << "with one that waits for its next try";
  run("purge");
  s = reader.sample();
  EXPECT_EQ(s.num_pending, 0u);
  EXPECT_EQ(s.scheduled, 0u);
  EXPECT_EQ(size(), static_cast<int>(s.in_hand())) << "what it leaves is in hand";
  const auto& f = *pg_framework_named(life.framework);
  server->sql(fmt::format("drop table {} cascade", with_schema(fmt::format("$S{}", f.table()), f, "")), db);
  (void)reader.error(ErrorCode::kNotFound);
}

using PostgresCrash = PostgresLife;

TEST_P(PostgresCrash, CountsOnAfterTheServerWasKilled) {
  if (missing()) return;
  PostgresServer its_own;
  server = &its_own;
  db = its_own.new_database();
  run("make");
  auto reader = read();
  run("put 5");
  const auto before = reader.with_backlog(5);
  its_own.kill();
  (void)reader.error(ErrorCode::kUnavailable);
  its_own.start();
  run("put 1");
  const auto after = reader.with_backlog(6);
  EXPECT_EQ(size(), 6);
  ASSERT_EQ(after.totals.arrived.has_value(), GetParam().flows);
  if (!GetParam().flows) return;
  const auto jumped = std::string(GetParam().framework) == "pgmq" ? 100u : 1u;
  EXPECT_GE(*after.totals.arrived, *before.totals.arrived + 1) << "a sequence may jump, and never goes back";
  EXPECT_LE(*after.totals.arrived, *before.totals.arrived + jumped);
}

using PgBossLater = PostgresLife;

// Of pg-boss 11 and later: a queue with a table of its own, and (12) notifications, and a job that waits for another one.
TEST_P(PgBossLater, QueuesWithATableOfTheirOwnAndJobsThatWaitForOthers) {
  if (missing()) return;
  run("make");
  run("make-apart");
  auto mail = read(), apart = read({"apart"}), both = read({"mail", "apart"});
  auto spec = jobs_of(server->url(db), "pg-boss", {"apart"});
  spec.listen = "pgboss_454650302e472074f72063fd";  // of the schema pgboss, as docs/postgres.md has it
  PostgresReader told(spec);
  std::atomic<bool> woken = false;
  told.source().watch([&] { woken = true; });
  EXPECT_EQ(told.sample().num_pending, 0u);
  run("put 2");
  run("put-apart 3");
  EXPECT_TRUE(GetParam().package == std::string("pg-boss-11") || eventually([&] { return woken.load(); }));
  EXPECT_EQ(mail.sample().num_pending, 2u);
  EXPECT_EQ(apart.sample().num_pending, 3u);
  EXPECT_EQ(both.sample().num_pending, 5u);
  if (GetParam().package == std::string("pg-boss-11")) return;
  run("put-chain");
  const auto s = mail.sample();
  EXPECT_EQ(s.num_pending, 3u);
  EXPECT_EQ(s.scheduled, 1u);
  EXPECT_EQ(size(), 4);
}

constexpr const char* kFrameworks = "scripts/fetch-job-frameworks.sh";
constexpr const char* kRiver = "scripts/fetch-river.sh";
constexpr Life kPgBoss11 = {"pg-boss", "pg-boss-11", "{1}/node22 {0}/jobs.js", kFrameworks, 1, false, true,
                            false,     false};
constexpr Life kPgBoss12 = {
    "pg-boss", "pg-boss-12", "{1}/node22 {0}/jobs.js", kFrameworks, 1, false, true, false, false, true};
constexpr Life kPgmq = {"pgmq", "pgmq", "python3 {0}/jobs.py", kFrameworks, 1, true, false, false, true};
constexpr Life kGraphile = {
    "graphile-worker", "graphile-worker", "node {0}/jobs.js", kFrameworks, 2, true, true, false, false, true};
constexpr Life kProcrastinate = {
    "procrastinate", "procrastinate", "python3 {0}/jobs.py", kFrameworks, 1, true, true, false, true};
constexpr Life kRiverQueue = {"river", "river", "{2}/river_jobs", kRiver, 1, true, true, true, true, true};

std::string name_of(const testing::TestParamInfo<Life>& i) {
  std::string name = i.param.package;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Frameworks, PostgresLife,
                         testing::Values(Life{"pg-boss", "pg-boss", "node {0}/jobs.js", kFrameworks, 1, false,
                                              true, false, false},
                                         kPgBoss11, kPgBoss12, kGraphile, kProcrastinate, kRiverQueue, kPgmq),
                         name_of);

INSTANTIATE_TEST_SUITE_P(Frameworks, PostgresCrash,
                         testing::Values(kPgBoss11, kPgBoss12, kGraphile, kProcrastinate, kRiverQueue, kPgmq),
                         name_of);

INSTANTIATE_TEST_SUITE_P(Frameworks, PgBossLater, testing::Values(kPgBoss11, kPgBoss12), name_of);

}  // namespace
}  // namespace docktor::test
