#include "targets/process/proc_usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <future>

#include "os/spawn.h"
#include "tests/support/patience.h"
#include "tests/support/temp_dir.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::eventually;
using ::testing::IsEmpty;

ProcessStat process(pid_t pid, pid_t parent, std::uint64_t own, std::uint64_t children = 0,
                    std::uint64_t start = 1) {
  ProcessStat s;
  s.identity = {pid, start};
  s.state = 'S';
  s.parent = parent;
  s.group = 100;
  s.own_ticks = own;
  s.children_ticks = children;
  return s;
}

TEST(GroupMeter, HasNothingToTellAtFirstAndForAnotherLeader) {
  GroupMeter m;
  EXPECT_FALSE(m.used_since(100, {process(100, 1, 50)}));
  EXPECT_EQ(m.used_since(100, {process(100, 1, 57)}), 7u);
  EXPECT_FALSE(m.used_since(100, {process(100, 1, 3, 0, 2)}));
  EXPECT_EQ(m.used_since(100, {process(100, 1, 4, 0, 2)}), 1u);
  EXPECT_FALSE(m.used_since(100, {process(101, 100, 4)}));  // no leader
  EXPECT_FALSE(m.used_since(100, {process(100, 1, 4, 0, 2)}));
}

TEST(GroupMeter, AddsUpProcessesOldAndNew) {
  GroupMeter m;
  EXPECT_FALSE(m.used_since(100, {process(100, 1, 10), process(101, 100, 20)}));
  EXPECT_EQ(m.used_since(100, {process(100, 1, 11), process(101, 100, 25), process(102, 100, 4)}),
            1u + 5 + 4);
}

TEST(GroupMeter, CountsAChildThatEndedOnce) {
  GroupMeter m;
  EXPECT_FALSE(m.used_since(100, {process(100, 1, 10, 5), process(101, 100, 20)}));
  // 101 used 3 more and was waited for: 23 came to its parent.
  EXPECT_EQ(m.used_since(100, {process(100, 1, 10, 28)}), 3u);
  // One that came and went unseen.
  EXPECT_EQ(m.used_since(100, {process(100, 1, 10, 37)}), 9u);
}

TEST(GroupMeter, CountsAChildAndItsChildThatEndedTogetherOnce) {
  GroupMeter m;
  EXPECT_FALSE(m.used_since(100, {process(100, 1, 10), process(101, 100, 20), process(102, 101, 40)}));
  EXPECT_EQ(m.used_since(100, {process(100, 1, 10, 20 + 1 + 40 + 2)}), 3u);
}

TEST(GroupMeter, NeverGoesBack) {
  GroupMeter m;
  EXPECT_FALSE(m.used_since(100, {process(100, 1, 10), process(101, 100, 2000)}));
  EXPECT_EQ(m.used_since(100, {process(100, 1, 12)}), 2u);  // 101 was waited for by nobody
  // The number of a child that is used again by a younger one.
  EXPECT_EQ(m.used_since(100, {process(100, 1, 12), process(101, 100, 500, 0, 5)}), 500u);
  EXPECT_EQ(m.used_since(100, {process(100, 1, 12), process(101, 100, 3, 0, 9)}), 3u);
}

struct ProcUsageTest : ::testing::Test {
  ~ProcUsageTest() override {
    for (const auto& s : started) {
      ::kill(-s.identity.pid, SIGKILL);
      ::waitpid(s.identity.pid, nullptr, 0);
    }
  }
  Replica run(const std::string& id, const std::string& script) {
    SpawnOptions o;
    o.command = {"/bin/sh", "-c", script};
    o.directory = dir.path();
    o.environment = {{"PATH", "/usr/bin:/bin"}};
    auto s = spawn(o);
    EXPECT_TRUE(s) << s.error().message;
    Replica r;
    r.id = id;
    r.pid = s->identity.pid;
    r.state = ReplicaState::kReady;
    started.push_back(std::move(*s));
    return r;
  }
  std::vector<ReplicaUsage> read(const std::vector<Replica>& replicas) {
    std::promise<Result<Reading>> answer;
    source.read({std::chrono::hours(1), replicas},
                [&](Result<Reading> r) { answer.set_value(std::move(r)); });
    auto r = answer.get_future().get();
    EXPECT_TRUE(r) << r.error().message;
    EXPECT_FALSE(r->queue);
    return r->usage.value_or(std::vector<ReplicaUsage>{});
  }
  // CPU that the group's processes used, by their own account, waited-for children included.
  double seconds_used(pid_t group) const {
    std::uint64_t ticks = 0;
    for (const pid_t pid : list_processes()) {
      const auto s = read_process_stat(pid);
      if (s && s->group == group) ticks += s->own_ticks + s->children_ticks;
    }
    return static_cast<double>(ticks) / static_cast<double>(ticks_per_second());
  }
  // Samples until the processes of the replica used half a second between two samples, and compares the two
  // accounts. They agree unless the machine stands still just between the two; then it is tried again.
  void expect_agreement(const Replica& r, std::size_t least_processes) {
    const auto group = static_cast<pid_t>(r.pid);
    double seen = 0, expected = 0, mem = 0;
    const bool agreed = eventually([&] {
      (void)read({r});
      const auto used_before = seconds_used(group);
      const auto begin = steady_clock::now();
      if (!eventually([&] { return seconds_used(group) - used_before > 0.5; })) return false;
      const auto usage = read({r});
      const double wall = std::chrono::duration<double>(steady_clock::now() - begin).count();
      expected = 100 * (seconds_used(group) - used_before) / wall;
      if (usage.size() != 1 || usage[0].id != r.id) return false;
      EXPECT_FALSE(usage[0].cpu_limit_pct || usage[0].mem_limit_pct);
      seen = usage[0].cpu;
      mem = *usage[0].mem;
      return seen > expected * 0.8 && seen < expected * 1.25;
    });
    EXPECT_TRUE(agreed) << seen << " % seen, " << expected << " % used";
    EXPECT_GT(mem, 100e3 * static_cast<double>(least_processes));
    EXPECT_LT(mem, 1e9);
  }

  test::TempDir dir;
  ProcReader reader;
  ProcUsageSource source{reader};
  std::vector<Spawned> started;
};

TEST_F(ProcUsageTest, ShowsABusyLoopAsItsOwnAccountHasIt) {
  const auto r = run("w-1", "while :; do :; done");
  EXPECT_THAT(read({r}), IsEmpty());
  expect_agreement(r, 1);
}

TEST_F(ProcUsageTest, CountsTheWholeGroup) {
  expect_agreement(run("w-1", "(while :; do :; done) & (while :; do :; done) & wait"), 3);
}

TEST_F(ProcUsageTest, CountsChildrenThatComeAndGo) {
  expect_agreement(run("w-1", "while :; do (i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done); done"), 1);
}

TEST_F(ProcUsageTest, ShowsNearlyNothingForAnIdleReplica) {
  const auto r = run("w-1", "exec sleep 1000");
  ASSERT_TRUE(eventually([&] { return !read({r}).empty(); }, test::kPatience, milliseconds(60)));
  EXPECT_TRUE(eventually(
      [&] {
        const auto u = read({r});
        return u.size() == 1 && u[0].cpu == 0;
      },
      test::kPatience, milliseconds(60)));
}

TEST_F(ProcUsageTest, LeavesOutWhatIsNotReadyOrHasNoProcess) {
  std::vector<Replica> replicas;
  for (const auto state :
       {ReplicaState::kStarting, ReplicaState::kReady, ReplicaState::kFailing, ReplicaState::kStopping}) {
    replicas.push_back(run("w-" + std::to_string(replicas.size()), "exec sleep 1000"));
    replicas.back().state = state;
  }
  Replica none;
  none.id = "none";
  none.state = ReplicaState::kReady;
  replicas.push_back(none);
  none.id = "gone";
  none.pid = 1 << 22;  // beyond what this test can have
  replicas.push_back(none);
  std::vector<ReplicaUsage> usage;
  ASSERT_TRUE(
      eventually([&] { return !(usage = read(replicas)).empty(); }, test::kPatience, milliseconds(60)));
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].id, "w-1");
}

TEST_F(ProcUsageTest, LeavesOutTheFirstSampleOfARestartedReplica) {
  auto r = run("w-1", "exec sleep 1000");
  ASSERT_TRUE(eventually([&] { return !read({r}).empty(); }, test::kPatience, milliseconds(60)));
  const auto again = run("w-1", "exec sleep 1000");
  EXPECT_THAT(read({again}), IsEmpty());
  ASSERT_TRUE(eventually([&] { return !read({again}).empty(); }, test::kPatience, milliseconds(60)));
}

TEST_F(ProcUsageTest, RepeatsItselfWhenAskedTooSoon) {
  const auto r = run("w-1", "while :; do :; done");
  std::vector<ReplicaUsage> first, second;
  // On a machine that stands still between two calls they may differ: the claim is that they agree when it
  // does not.
  ASSERT_TRUE(eventually(
      [&] {
        first = read({r});
        second = read({r});
        return !first.empty() && second.size() == 1 && first[0].cpu > 0 && first[0].cpu == second[0].cpu;
      },
      test::kPatience, milliseconds(60)));
}

TEST_F(ProcUsageTest, FindsAProcessThatJoinedSinceTheListing) {
  ProcessTable table;
  const auto r = run("w-1", "while ! test -e go; do sleep 0.01; done; sleep 1000 & sleep 1000 & wait");
  const auto group = static_cast<pid_t>(r.pid);
  EXPECT_GE(table.members({group}, steady_clock::now())[0].size(), 1u);
  dir.file("go", "");
  EXPECT_TRUE(eventually([&] { return table.members({group}, steady_clock::now())[0].size() == 3; }));
  EXPECT_THAT(table.members({1 << 22}, steady_clock::now())[0], IsEmpty());
}

TEST_F(ProcUsageTest, AnswersWhatCameTooLate) {
  std::promise<void> go;
  reader.post([&](ProcessTable&, bool) { go.get_future().wait(); });
  std::promise<Result<Reading>> answer;
  source.read({milliseconds(1), {}}, [&](Result<Reading> r) { answer.set_value(std::move(r)); });
  const auto begin = steady_clock::now();
  ASSERT_TRUE(eventually([&] { return steady_clock::now() - begin > milliseconds(5); }));
  go.set_value();
  EXPECT_EQ(answer.get_future().get().error().code, ErrorCode::kTimeout);
  EXPECT_EQ(source.check(milliseconds(1))[0].severity, Severity::kOk);
}

}  // namespace
}  // namespace docktor
