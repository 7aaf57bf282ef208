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

#include "tests/postgres/reader.h"
#include "tests/redis/program.h"

namespace docktor::test {
namespace {

using ::testing::HasSubstr;

struct Life {
  const char* framework;
  const char* program;  // with the test's folder put in
  int at_once;          // jobs that a worker takes
  bool wakes;
};

class PostgresLife : public testing::TestWithParam<Life> {
 protected:
  std::string line(const std::string& verb) const {
    const std::string fetched = DOCKTOR_JOB_FRAMEWORKS;
    return fmt::format(
        "env DATABASE_URL={} GATE={} DONE={} NODE_PATH={}/node_modules PYTHONPATH={}/python {} {} {}",
        shared_server().url(db), file("gate"), file("done"), fetched, fetched,
        fmt::format(fmt::runtime(GetParam().program), DOCKTOR_POSTGRES_TESTS), GetParam().framework, verb);
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

  TempDir dir;
  std::string db = shared_server().new_database();
};

TEST_P(PostgresLife, IsReadAsItIs) {
  if (!std::filesystem::exists(std::string(DOCKTOR_JOB_FRAMEWORKS) + "/fetched")) {
    const char* why = "the frameworks are not there: scripts/fetch-job-frameworks.sh";
    if (std::getenv("DOCKTOR_REQUIRE_ALL")) FAIL() << why;
    GTEST_SKIP() << why;
  }
  const auto& life = GetParam();
  PostgresReader reader(jobs_of(shared_server().url(db), life.framework, {"mail"}));
  reader.error(ErrorCode::kNotFound);
  run("make");
  EXPECT_EQ(reader.with_backlog(0).num_ack_pending, 0u);
  std::atomic<bool> woken = false;
  reader.source().watch([&] { woken = true; });
  for (int i = 0; i < 4; ++i) (void)reader.sample();
  run("put 5");
  EXPECT_TRUE(!life.wakes || eventually([&] { return woken.load(); }));
  run("put-later 4");
  auto s = reader.sample();
  EXPECT_EQ(s.num_pending, 5u);
  EXPECT_EQ(s.scheduled, 4u);
  EXPECT_EQ(s.num_ack_pending, 0u);
  EXPECT_EQ(size(), 9);
  EXPECT_THAT(reader.findings(), HasSubstr("mail: 5 waiting, 0 in hand, 4 scheduled"));

  const auto held = static_cast<std::uint64_t>(life.at_once);
  auto worker = start("work");
  s = until(reader, [&](const QueueSample& q) { return q.in_hand() == held; });
  EXPECT_EQ(s.num_pending, 5 - held);
  EXPECT_EQ(size(), 9);
  worker->kill();
  EXPECT_EQ(reader.sample().num_ack_pending, held) << "work of a dead worker stays in hand";
  run("put-failing 1");
  dir.file("gate", "");
  worker = start("work");
  s = until(reader, [&](const QueueSample& q) { return q.num_pending == 0 && q.in_hand() == held; });
  EXPECT_EQ(s.scheduled, 4u);
  EXPECT_EQ(done(), static_cast<long>(5 - held)) << "each of the others once, and the one that fails never";
  worker->kill();
}

INSTANTIATE_TEST_SUITE_P(Frameworks, PostgresLife,
                         testing::Values(Life{"pg-boss", "node {}/jobs.js", 1, false},
                                         Life{"graphile-worker", "node {}/jobs.js", 2, true},
                                         Life{"procrastinate", "python3 {}/jobs.py", 1, true}),
                         [](const auto& i) {
                           std::string name = i.param.framework;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace docktor::test
