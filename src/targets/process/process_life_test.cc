// Crashes, pauses, grace periods, what is left behind, output.
#include <sys/stat.h>
#include <unistd.h>

#include "targets/process/process_test_bench.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct ProcessLifeTest : test::ProcessBench {
  std::size_t starts() const { return lines_of("starts"); }
  bool up(const std::string& id) {
    return eventually([&] { return text_of("log/" + id + ".log").find("up\n") != std::string::npos; });
  }
};

TEST_F(ProcessLifeTest, RestartsAReplicaThatSomebodyKilledAtOnce) {
  options.care.stable_after = milliseconds(50);
  options.care.first_backoff = options.care.longest_backoff = std::chrono::hours(1);
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(2));
  ASSERT_TRUE(ready(2));
  const auto before = *find("consumer-1");
  ASSERT_TRUE(eventually(
      [&] { return age(read_process_stat(static_cast<pid_t>(before.pid))->identity) > milliseconds(200); }));
  ::kill(static_cast<pid_t>(before.pid), SIGKILL);
  ASSERT_TRUE(eventually([&] { return find("consumer-1")->restarts == 1; }));
  ASSERT_TRUE(ready(2));
  const auto after = *find("consumer-1");
  EXPECT_NE(after.pid, before.pid);
  EXPECT_THAT(after.note,
              AllOf(HasSubstr("restarted after: killed by SIGKILL after"), HasSubstr("output: ")));
  EXPECT_THAT(all_news(), HasSubstr("consumer-1: killed by SIGKILL after"));
  EXPECT_THAT(all_news(), HasSubstr("started again at once"));
  EXPECT_EQ(find("consumer-2")->restarts, 0);
}

TEST_F(ProcessLifeTest, SaysWhatMayBeWrongWithOneThatAlwaysEndsWellAtOnce) {
  options.spec.ready_after = seconds(100);
  run_shell("echo x >> starts; exit 0");
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(eventually(
      [&] { return find("consumer-1")->note.find("keep it in the foreground") != std::string::npos; }));
  EXPECT_GE(starts(), 3u) << "three have ended; the fourth may not have written yet";
}

TEST_F(ProcessLifeTest, PausesLongerAndLongerBeforeAReplicaThatExitsAtOnce) {
  options.spec.ready_after = seconds(100);
  options.care.first_backoff = milliseconds(100);
  options.care.longest_backoff = seconds(1000);
  run_shell("echo x >> starts; exit 3");
  start_target();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(eventually([&] { return starts() == 4; }));
  // 100 + 200 + 400 ms went by, however fast the machine is.
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(690));
  ASSERT_TRUE(eventually([&] { return find("consumer-1")->note.find("4 failures") != std::string::npos; }));
  const auto r = *find("consumer-1");
  EXPECT_EQ(r.state, ReplicaState::kFailing);
  EXPECT_EQ(r.restarts, 3);
  EXPECT_THAT(r.note, AllOf(HasSubstr("exit code 3 after"), HasSubstr("next start in"),
                            HasSubstr("; 4 failures in a row; output: "), HasSubstr("/log/consumer-1.log")));
  EXPECT_EQ(count(report()).failing, 1);
  EXPECT_EQ(*scale(0), "stopping 1: consumer-1 (SIGTERM, SIGKILL after 20s)");
  EXPECT_THAT(report(), IsEmpty());
}

// As workers with --max-jobs do: an end with 0 is no crash, however often it comes.
TEST_F(ProcessLifeTest, AWorkerThatEndsWithZeroAfterItsJobsIsReplacedWithoutGrowingPauses) {
  run_shell("echo x >> starts; sleep 0.3; exit 0");
  options.care.longest_backoff = seconds(1000);
  options.care.first_backoff = seconds(1000);
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(ready(1));
  ASSERT_TRUE(eventually([&] {
    const auto r = report();
    EXPECT_EQ(count(r).failing, 0);
    EXPECT_EQ(count(r).ready, 1) << "one that was ready counts as such all along";
    return starts() >= 6;
  }));
  EXPECT_THAT(all_news(), HasSubstr("exit code 0"));
}

TEST_F(ProcessLifeTest, OneThatEndsWithZeroAtOnceNeitherFailsNorRaces) {
  options.spec.ready_after = seconds(100);
  run_shell("echo x >> starts");
  start_target();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(eventually([&] {
    EXPECT_EQ(count(report()).failing, 0);
    return starts() == 4;
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(1400));
  EXPECT_EQ(count(report()).ready, 0);
}

TEST_F(ProcessLifeTest, AnotherStatusAfterManyZerosIsACrash) {
  run_shell("echo x >> starts; test $(wc -l < starts) -lt 4 && exec sleep 0.1; sleep 0.1; exit 9");
  options.care.first_backoff = seconds(1000);
  options.care.longest_backoff = seconds(1000);
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(eventually([&] { return all(ReplicaState::kFailing, 1); }));
  EXPECT_THAT(find("consumer-1")->note, HasSubstr("exit code 9"));
}

TEST_F(ProcessLifeTest, StaysFailingUntilItHasProvedItselfReady) {
  options.spec.ready_after = milliseconds(200);
  run_shell("echo x >> starts; test $(wc -l < starts) -ge 3 || exit 3; exec sleep 1000");
  start_target();
  ASSERT_TRUE(scale(1));
  bool left_failing = false;
  bool was_failing = false;
  ASSERT_TRUE(eventually([&] {
    const auto r = *find("consumer-1");
    if (r.state == ReplicaState::kFailing) was_failing = true;
    if (was_failing && r.state == ReplicaState::kStarting) left_failing = true;
    return r.state == ReplicaState::kReady;
  }));
  EXPECT_TRUE(was_failing);
  EXPECT_FALSE(left_failing) << "a decision in between would take a crash loop for capacity on its way";
  EXPECT_EQ(starts(), 3u);
  EXPECT_THAT(find("consumer-1")->note, HasSubstr("restarted after: exit code 3 after"));
}

TEST_F(ProcessLifeTest, TellsOfACommandThatCannotStart) {
  options.care.first_backoff = options.care.longest_backoff = std::chrono::hours(1);
  options.spec.command = {"no-such-worker"};
  start_target();
  const auto outcome = scale(2);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(outcome.error().message, HasSubstr("command no-such-worker: not found in PATH"));
  EXPECT_TRUE(all(ReplicaState::kFailing, 2));
  EXPECT_THAT(report()[0].note, AllOf(HasSubstr("not found in PATH"), HasSubstr("next start in")));
  EXPECT_EQ(report()[0].pid, 0);
}

TEST_F(ProcessLifeTest, KillsTheWholeGroupOfAReplicaThatIgnoresItsTerm) {
  options.spec.stop_grace_period = milliseconds(200);
  run_shell("trap '' TERM; (while :; do sleep 0.05; done) & echo up; while :; do sleep 0.05; done");
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(up("consumer-1"));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(scale(0));
  EXPECT_TRUE(all(ReplicaState::kStopping, 1));
  ASSERT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(200));
  EXPECT_THAT(marked.alive(), IsEmpty());
  EXPECT_THAT(all_news(), HasSubstr("consumer-1 did not end within its grace period of 200ms: killed"));
}

TEST_F(ProcessLifeTest, ThatAReplicaHadToBeKilledStandsUntilStopsAreCleanAgain) {
  options.spec.stop_grace_period = milliseconds(500);
  // The second replica is the deaf one.
  run_shell(
      "test $DOCKTOR_REPLICA = consumer-2 && test ! -e well && trap '' TERM; echo up; "
      "while :; do sleep 0.05; done");
  start_target();
  ASSERT_TRUE(scale(3));
  for (const char* id : {"consumer-1", "consumer-2", "consumer-3"}) ASSERT_TRUE(up(id));
  EXPECT_EQ(target->report().killed, "");
  ASSERT_TRUE(scale(0));
  ASSERT_TRUE(eventually([&] { return report().empty(); }));
  const auto told = target->report().killed;
  EXPECT_THAT(told, HasSubstr("consumer-2 did not end within 500ms of SIGTERM and was killed")) << "of three";
  EXPECT_THAT(told, HasSubstr("longer stop_grace_period"));
  std::ofstream(dir.path() / "well") << "\n";
  ASSERT_TRUE(scale(3));
  for (const char* id : {"consumer-1", "consumer-2", "consumer-3"}) ASSERT_TRUE(up(id));
  EXPECT_EQ(target->report().killed, told) << "nothing was stopped since";
  ASSERT_TRUE(scale(0));
  EXPECT_TRUE(eventually([&] { return target->report().killed.empty(); }));
}

TEST_F(ProcessLifeTest, TellsTheFirstProcessOnlyAndWhatIsLeftOfItAfterwards) {
  run_shell(
      "exec 2>/dev/null; (trap 'echo child told; exit 0' TERM; while :; do sleep 0.01; done) &\n"
      "trap 'sleep 0.3; echo leader done; exit 0' TERM; sleep 0.2; echo up; while :; do sleep 0.01; done");
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(up("consumer-1"));
  ASSERT_TRUE(scale(0));
  ASSERT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_EQ(text_of("log/consumer-1.log"), "up\nleader done\nchild told\n");
  EXPECT_THAT(all_news(), Not(HasSubstr("killed")));
}

TEST_F(ProcessLifeTest, EndsAStoppedReplicaToo) {
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(1));
  const auto pid = static_cast<pid_t>(report()[0].pid);
  ::kill(pid, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return read_process_stat(pid)->state == 'T'; }));
  ASSERT_TRUE(scale(0));
  ASSERT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_THAT(all_news(), Not(HasSubstr("killed")));
}

TEST_F(ProcessLifeTest, LetsNoProcessEscapeIntoTheBackground) {
  // Each start leaves a process in a session of its own; there is never more than one, and none in the end.
  options.care.longest_backoff = milliseconds(20);
  run_shell("echo x >> starts; setsid sleep 1000 & sleep 0.05; exit 0");
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(eventually([&] {
    EXPECT_LE(std::ranges::count_if(marked.alive(), [](const ProcessStat& s) { return s.parent == 1; }), 1);
    return starts() >= 5;
  }));
  EXPECT_THAT(all_news(), HasSubstr("exit code 0 after"));
  EXPECT_THAT(all_news(), HasSubstr("leaving 1 of its processes behind (it must stay in the foreground)"));
  ASSERT_TRUE(scale(0));
  ASSERT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_THAT(marked.alive(), IsEmpty());
}

TEST_F(ProcessLifeTest, StartsAReplicaAgainOnlyWhenNothingIsLeftOfIt) {
  run_shell(
      "echo x >> starts; (trap 'while ! test -e go; do sleep 0.02; done; exit 0' TERM; echo up; while :; do "
      "sleep 0.02; done) &\n"
      "while :; do sleep 0.02; done");
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(up("consumer-1"));
  ::kill(static_cast<pid_t>(report()[0].pid), SIGKILL);
  ASSERT_TRUE(eventually([&] {
    return find("consumer-1")->note.find("starts again when they have ended") != std::string::npos;
  }));
  EXPECT_EQ(find("consumer-1")->state, ReplicaState::kFailing);
  EXPECT_EQ(starts(), 1u);
  dir.file("go", "");
  EXPECT_TRUE(eventually([&] { return starts() == 2; }));
}

TEST_F(ProcessLifeTest, KeepsOutputSmall) {
  options.care.output_cap = 64 << 10;
  run_shell("i=0; while :; do i=$((i+1)); echo line $i of a worker that talks without end; done");
  start_target();
  ASSERT_TRUE(scale(1));
  const auto log = dir.path() / "log" / "consumer-1.log";
  const auto kept = log.string() + ".1";
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(kept); }));
  const auto pid = report()[0].pid;
  const auto last_line = [&] {
    std::ifstream in(kept);
    std::string line, last;
    while (std::getline(in, line)) last = line;
    return last;
  };
  const auto first_cut = last_line();
  ASSERT_TRUE(eventually([&] { return last_line() != first_cut; }));  // it goes on
  EXPECT_LE(std::filesystem::file_size(kept), options.care.output_cap);
  EXPECT_EQ(text_of("log/consumer-1.log.1").substr(0, 5), "line ");  // whole lines
  EXPECT_EQ(report()[0].pid, pid);
  EXPECT_EQ(report()[0].restarts, 0);
  ::kill(static_cast<pid_t>(pid), SIGSTOP);
  EXPECT_TRUE(eventually([&] { return std::filesystem::file_size(log) <= options.care.output_cap; }));
}

TEST_F(ProcessLifeTest, CutsOutputThatSomebodyMovedAway) {
  options.care.output_cap = 64 << 10;
  run_shell(
      "echo up; while ! test -e go; do sleep 0.02; done; head -c 1000000 /dev/zero; echo more; exec sleep "
      "1000");
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(up("consumer-1"));
  const auto moved = dir.path() / "moved.log";
  std::filesystem::rename(dir.path() / "log" / "consumer-1.log", moved);
  dir.file("go", "");
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(dir.path() / "log" / "consumer-1.log.1"); }));
  EXPECT_TRUE(eventually([&] { return std::filesystem::file_size(moved) <= options.care.output_cap; }));
}

TEST_F(ProcessLifeTest, NeverWritesItsOutputIntoAPipeOrThroughALink) {
  run_shell("echo hello; exec sleep 1000");
  std::filesystem::create_directory(dir.path() / "log");
  const auto victim = dir.file("victim", "precious\n");
  std::filesystem::create_symlink(victim, dir.path() / "log" / "consumer-1.log");
  ASSERT_EQ(::mkfifo((dir.path() / "log" / "consumer-2.log").c_str(), 0600), 0);
  start_target();
  ASSERT_TRUE(scale(2));
  ASSERT_TRUE(ready(2));
  EXPECT_EQ(text_of("victim"), "precious\n");
  EXPECT_THAT(all_news(), AllOf(HasSubstr("consumer-1: output goes to /dev/null: cannot append to"),
                                HasSubstr("⚠ consumer-2: output")));
}

TEST_F(ProcessLifeTest, WorksWithoutAnywhereToWrite) {
  dir.file("file", "");
  options.state_directory = dir.path() / "file" / "state";
  options.log_directory = dir.path() / "file" / "log";
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(2));
  ASSERT_TRUE(ready(2));
  EXPECT_THAT(all_news(),
              AllOf(HasSubstr("/file: is not a folder; move it away"), HasSubstr("output goes to /dev/null"),
                    HasSubstr("may not find its replicas again")));
  EXPECT_TRUE(eventually(
      [&] { return all_news().find("the record of replicas cannot be written") != std::string::npos; }));
  ASSERT_TRUE(scale(0));
  EXPECT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_THAT(marked.alive(), IsEmpty());
}

}  // namespace
}  // namespace docktor
