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
#include <map>
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
  int at_once = 1;      // jobs that a worker takes
  bool wakes = false;
  bool retries = false;  // a job that failed waits for its next try
  bool pauses = false;
  bool serial = false;  // there are jobs that run one at a time
  bool flows = false;   // how many jobs came is told
  bool dead = false;    // those that failed for good are told
  // SQL with which a dead worker's jobs have been at work for hours; whether its own call looks for them then, or a worker does.
  const char* hours_pass = "select";
  bool rescues = true;
  bool rescued_at_work = false;
  const char* empty = "truncate {} cascade";
  const char* table = nullptr;  // with its jobs, where that is not the framework's first
};

class PostgresLife : public testing::TestWithParam<Life> {
 protected:
  std::string line(const std::string& verb) const {
    const std::string fetched = DOCKTOR_JOB_FRAMEWORKS;
    return fmt::format(
        "env DATABASE_URL={} GATE={} DONE={} ASK={} NODE_PATH={}/node_modules PYTHONPATH={}/python {} {} {}",
        server->url(db), file("gate"), file("done"), file("ask"), fetched, fetched,
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
  void run(const std::string& verb) {
    Program p(line(verb), file("log"));
    ASSERT_EQ(p.wait(), 0) << verb << "\n" << text("log");
  }
  /// By one process for all, as each takes a second to start.
  std::string ask(const std::string& verb) {
    if (!frameworks_own) frameworks_own = start("serve");
    std::filesystem::remove(file("ask.done"));
    dir.file("asked", verb);
    std::filesystem::rename(file("asked"), file("ask"));
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(file("ask.done")); })) << verb << text("log");
    return text("ask.done");
  }
  std::unique_ptr<Program> start(const std::string& verb) const {
    return std::make_unique<Program>(line(verb), file("log"));
  }
  /// What the framework counts itself is what is read: each figure that it tells.
  QueueSample agree(PostgresReader& reader, const char* why) {
    const auto told = ask("count");
    const auto s = reader.sample();
    const auto later = s.scheduled.value_or(0), held = s.in_hand();
    std::map<std::string, std::uint64_t> read = {{"waiting", s.num_pending},
                                                 {"later", later},
                                                 {"in_hand", held},
                                                 {"queued", s.num_pending + later},
                                                 {"all", s.num_pending + later + held}};
    if (s.dead) read["dead"] = *s.dead;
    std::istringstream words(told);
    int figures = 0;
    for (std::string word; words >> word; ++figures) {
      const auto at = word.find('=');
      const auto name = word.substr(0, at);
      if (name == "dead" && !s.dead) continue;
      EXPECT_EQ(fmt::format("{}={}", name, read[name]), word) << why;
    }
    EXPECT_GE(figures, 2) << told;
    return s;
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
    ask("pause");
    EXPECT_THAT(reader.sample().paused, HasSubstr("queue mail is paused in"));
    ask("resume");
    const auto s = agree(reader, "it goes on");
    EXPECT_EQ(s.paused, "");
    EXPECT_EQ(s.num_pending, waiting);
  }
  // Two wait already. Of those that run one at a time one can be taken, and none while one is in hand.
  void jobs_that_wait_for_one_another(PostgresReader& reader) {
    const auto is = [&](std::uint64_t waiting, std::uint64_t held, std::uint64_t later) {
      until(reader, [&](const QueueSample& q) {
        return q.num_pending == waiting && q.in_hand() == held && q.scheduled == later;
      });
    };
    ask("put-serial 4");
    is(3, 0, 3);
    EXPECT_THAT(ask("count"), HasSubstr("waiting=6")) << "to the framework all of them wait";
    std::filesystem::remove(file("gate"));
    auto worker = start("work");
    const auto held = static_cast<std::uint64_t>(GetParam().at_once);
    is(3 - held, held, 3);
    worker->kill();
    ask("rescue");
    is(3, 0, 3);
    const auto before = done();
    dir.file("gate", "");
    worker = start("work");
    is(0, 0, 0);
    EXPECT_EQ(done() - before, 6);
  }
  PostgresReader read(std::vector<std::string> queues = {"mail"}) const {
    return PostgresReader(jobs_of(server->url(db), GetParam().framework, std::move(queues)));
  }

  TempDir dir;
  PostgresServer* server = &shared_server();
  std::string db = shared_server().new_database();
  std::unique_ptr<Program> frameworks_own;  // what asks it
};

TEST_P(PostgresLife, IsReadAsItIs) {
  const auto& life = GetParam();
  if (missing()) return;
  auto reader = read();
  reader.error(ErrorCode::kNotFound);
  run("make");
  EXPECT_EQ(agree(reader, "made").num_ack_pending, 0u);
  std::atomic<bool> woken = false;
  reader.source().watch([&] { woken = true; });
  for (int i = 0; i < 4; ++i) (void)reader.sample();
  const auto before = reader.sample();
  ask("put 5");
  EXPECT_TRUE(!life.wakes || eventually([&] { return woken.load(); }));
  ask("put-later 4");
  auto s = agree(reader, "put in");
  EXPECT_EQ(s.num_pending, 5u);
  EXPECT_EQ(s.scheduled, 4u);
  EXPECT_EQ(s.num_ack_pending, 0u);
  EXPECT_THAT(reader.findings(), HasSubstr("mail: 5 waiting, 0 in hand, 4 scheduled"));
  const auto flow = flow_between(before, s, std::chrono::seconds(1));
  ASSERT_EQ(flow.flow.has_value(), life.flows);
  EXPECT_EQ(flow.flow ? flow.flow->arrivals : 5, 5) << "of those that wait for their time none has come";
  ask("put-due 1");
  reader.with_backlog(6);
  EXPECT_EQ(agree(reader, "its time has come").scheduled, 4u);

  const auto held = static_cast<std::uint64_t>(life.at_once);
  auto worker = start("work");
  until(reader, [&](const QueueSample& q) { return q.in_hand() == held; });
  EXPECT_EQ(agree(reader, "at work").num_pending, 6 - held);
  if (life.pauses) pause_and_resume(reader, 6 - held);
  worker->kill();
  EXPECT_EQ(agree(reader, "work of a dead worker").num_ack_pending, held);
  server->sql(life.hours_pass, db);
  if (life.rescues) ask("rescue");
  const auto found = life.rescued_at_work ? 6 - held : 6u;
  EXPECT_EQ(agree(reader, "when that is found out").num_pending, found);
  ask("put-failing 1");
  if (life.retries) ask("put-retrying 1");
  agree(reader, "some will fail");
  dir.file("gate", "");
  worker = start("work");
  const auto later = 4u + (life.retries ? 1u : 0u) + (life.rescued_at_work ? 1u : 0u);
  until(reader,
        [&](const QueueSample& q) { return q.num_pending == 0 && q.in_hand() == 0 && q.scheduled == later; });
  EXPECT_EQ(agree(reader, "done, failed, and to be tried again").dead,
            life.dead ? std::optional<std::uint64_t>(1) : std::nullopt);
  EXPECT_EQ(done(), life.rescued_at_work ? 5 : 6) << "each once, and those that fail never";
  worker->kill();
  ask("purge");
  s = agree(reader, "purged");
  EXPECT_EQ(s.num_pending, 0u);
  EXPECT_EQ(s.scheduled, 0u);

  const auto& f = *pg_framework_named(life.framework);
  const auto table = with_schema(fmt::format("$S{}", life.table ? life.table : f.table()), f, "");
  ask("put 3");
  EXPECT_EQ(agree(reader, "full again").num_pending, 3u);
  server->sql(fmt::format(fmt::runtime(life.empty), table), db);
  EXPECT_EQ(agree(reader, "emptied by somebody").num_pending, 0u);
  ask("put 2");
  EXPECT_EQ(agree(reader, "and it goes on").num_pending, 2u);
  if (life.serial) jobs_that_wait_for_one_another(reader);
  server->sql(fmt::format("drop table {} cascade", table), db);
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
  ask("put 5");
  const auto before = reader.with_backlog(5);
  frameworks_own.reset();
  its_own.kill();
  (void)reader.error(ErrorCode::kUnavailable);
  its_own.start();
  ask("put 1");
  const auto after = reader.with_backlog(6);
  agree(reader, "after the crash");
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
  ask("make-apart");
  auto mail = read(), apart = read({"apart"}), both = read({"mail", "apart"});
  auto spec = jobs_of(server->url(db), "pg-boss", {"apart"});
  spec.listen = "pgboss_454650302e472074f72063fd";  // of the schema pgboss, as docs/postgres.md has it
  PostgresReader told(spec);
  std::atomic<bool> woken = false;
  told.source().watch([&] { woken = true; });
  EXPECT_EQ(told.sample().num_pending, 0u);
  ask("put 2");
  ask("put-apart 3");
  EXPECT_TRUE(GetParam().package == std::string("pg-boss-11") || eventually([&] { return woken.load(); }));
  EXPECT_EQ(mail.sample().num_pending, 2u);
  EXPECT_EQ(apart.sample().num_pending, 3u);
  EXPECT_EQ(both.sample().num_pending, 5u);
  if (GetParam().package == std::string("pg-boss-11")) return;
  ask("put-chain");
  const auto s = mail.sample();
  EXPECT_EQ(s.num_pending, 3u);
  EXPECT_EQ(s.scheduled, 1u);
}

constexpr const char* kFrameworks = "scripts/fetch-job-frameworks.sh";
constexpr const char* kRiver = "scripts/fetch-river.sh";
constexpr const char* kBossHours =
    "update pgboss.job set started_on = now() - interval '3 h' where state = 'active'";
constexpr Life kPgBoss10 = {.framework = "pg-boss",
                            .package = "pg-boss",
                            .program = "node {0}/jobs.js",
                            .needs = kFrameworks,
                            .retries = true,
                            .hours_pass = kBossHours};
// Of a queue without any job it tells what it counted the last time.
constexpr Life kPgBoss11 = {.framework = "pg-boss",
                            .package = "pg-boss-11",
                            .program = "{1}/node22 {0}/jobs.js",
                            .needs = kFrameworks,
                            .retries = true,
                            .hours_pass = kBossHours,
                            .empty = "delete from {} where state <> 'completed'"};
constexpr Life kPgBoss12 = {.framework = "pg-boss",
                            .package = "pg-boss-12",
                            .program = "{1}/node22 {0}/jobs.js",
                            .needs = kFrameworks,
                            .retries = true,
                            .dead = true,
                            .hours_pass = kBossHours};
constexpr Life kPgmq = {.framework = "pgmq",
                        .package = "pgmq",
                        .program = "python3 {0}/jobs.py",
                        .needs = kFrameworks,
                        .wakes = true,
                        .flows = true,
                        .hours_pass = "update pgmq.q_mail set vt = now() where read_ct > 0",
                        .rescues = false,
                        .table = "q_mail"};
constexpr Life kGraphile = {.framework = "graphile-worker",
                            .package = "graphile-worker",
                            .program = "node {0}/jobs.js",
                            .needs = kFrameworks,
                            .at_once = 2,
                            .wakes = true,
                            .retries = true,
                            .serial = true,
                            .dead = true};
constexpr Life kProcrastinate = {.framework = "procrastinate",
                                 .package = "procrastinate",
                                 .program = "python3 {0}/jobs.py",
                                 .needs = kFrameworks,
                                 .wakes = true,
                                 .retries = true,
                                 .serial = true,
                                 .flows = true};
// It puts what it finds off until its next try.
constexpr Life kRiverQueue = {.framework = "river",
                              .package = "river",
                              .program = "{2}/river_jobs",
                              .needs = kRiver,
                              .wakes = true,
                              .retries = true,
                              .pauses = true,
                              .flows = true,
                              .dead = true,
                              .hours_pass =
                                  "update river_job set attempted_at = now() - interval '3 h' where state = "
                                  "'running'; delete from river_leader",
                              .rescues = false,
                              .rescued_at_work = true};

std::string name_of(const testing::TestParamInfo<Life>& i) {
  std::string name = i.param.package;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Frameworks, PostgresLife,
                         testing::Values(kPgBoss10, kPgBoss11, kPgBoss12, kGraphile, kProcrastinate,
                                         kRiverQueue, kPgmq),
                         name_of);

INSTANTIATE_TEST_SUITE_P(Frameworks, PostgresCrash,
                         testing::Values(kPgBoss11, kPgBoss12, kGraphile, kProcrastinate, kRiverQueue, kPgmq),
                         name_of);

INSTANTIATE_TEST_SUITE_P(Frameworks, PgBossLater, testing::Values(kPgBoss11, kPgBoss12), name_of);

}  // namespace
}  // namespace docktor::test
