// Orders, names, states, victims: the process target on real processes.
#include "targets/process/process.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <random>

#include "targets/process/process_test_bench.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Answer;
using test::eventually;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

struct ProcessTargetTest : test::ProcessBench {
  static std::size_t descriptors() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++n;
    return n;
  }
  static std::size_t children() {
    return static_cast<std::size_t>(std::ranges::count_if(list_processes(), [](pid_t pid) {
      const auto s = read_process_stat(pid);
      return s && s->parent == ::getpid();
    }));
  }
};

TEST_F(ProcessTargetTest, StartsNamedReplicasInTheirDirectoryWithTheirEnvironment) {
  run_shell("pwd; echo $DOCKTOR_SERVICE $DOCKTOR_REPLICA $COLOUR $SHAPE >&2; exec sleep 1000");
  options.inherited =
      std::map<std::string, std::string>{{"PATH", "/usr/bin:/bin"}, {"COLOUR", "blue"}, {"SHAPE", "round"}};
  options.spec.environment["COLOUR"] = "green";
  start_target();
  EXPECT_THAT(report(), IsEmpty());
  EXPECT_EQ(*scale(2), "started 2: consumer-1, consumer-2");
  ASSERT_TRUE(ready(2));
  EXPECT_THAT(ids(), ElementsAre("consumer-1", "consumer-2"));
  EXPECT_TRUE(eventually([&] { return lines_of("log/consumer-2.log") == 2; }));
  EXPECT_EQ(text_of("log/consumer-2.log"), dir.path().string() + "\nconsumer consumer-2 green round\n");
  const auto r = *find("consumer-2");
  EXPECT_EQ(read_process_stat(static_cast<pid_t>(r.pid))->group, r.pid);
  EXPECT_EQ(r.restarts, 0);
  EXPECT_EQ(r.note, "");
  EXPECT_GT(changes, 0);
}

TEST_F(ProcessTargetTest, IsStartingUntilItRanForReadyAfter) {
  run_sleep();
  options.spec.ready_after = std::chrono::hours(1);
  start_target();
  ASSERT_TRUE(scale(1));
  EXPECT_TRUE(all(ReplicaState::kStarting, 1));
  target.reset();
  options.spec.ready_after = milliseconds(300);
  start_target();
  EXPECT_TRUE(ready(1));
  EXPECT_GE(age(read_process_stat(static_cast<pid_t>(report()[0].pid))->identity), milliseconds(290));
  target.reset();
  options.spec.ready_after = Duration::zero();
  start_target();
  ASSERT_TRUE(scale(2));
  EXPECT_TRUE(all(ReplicaState::kReady, 2));  // at once
}

TEST_F(ProcessTargetTest, IsIdempotentAndReusesTheLowestFreeName) {
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(3));
  EXPECT_EQ(*scale(3), "nothing to do, there are 3 replicas");
  ASSERT_TRUE(ready(3));
  EXPECT_THAT(*scale(2, {{"consumer-1", 0}, {"consumer-2", 50}, {"consumer-3", 50}}),
              HasSubstr("stopping 1: consumer-1 (SIGTERM, SIGKILL after 20s)"));
  ASSERT_TRUE(ready(2));
  ASSERT_TRUE(scale(4));
  ASSERT_TRUE(ready(4));
  EXPECT_THAT(ids(), ElementsAre("consumer-2", "consumer-3", "consumer-1", "consumer-4"));
  ASSERT_TRUE(scale(0));
  EXPECT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_THAT(marked.alive(), IsEmpty());
  EXPECT_EQ(children(), 0u);
}

TEST_F(ProcessTargetTest, StopsTheLeastBusyThenTheNewest) {
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(5));
  ASSERT_TRUE(ready(5));
  // Less than a percent of a core is no difference; one without a sample may be busy.
  ASSERT_TRUE(scale(4, {{"consumer-1", 90},
                        {"consumer-2", 0.4},
                        {"consumer-3", 60},
                        {"consumer-4", 0.2},
                        {"consumer-5", 70}}));
  EXPECT_THAT(ids(), ElementsAre("consumer-1", "consumer-2", "consumer-3", "consumer-5"));
  ASSERT_TRUE(scale(3, {{"consumer-1", 90}, {"consumer-2", 50}, {"consumer-3", 60}}));
  EXPECT_THAT(ids(), ElementsAre("consumer-1", "consumer-3", "consumer-5"));
  ASSERT_TRUE(scale(2, {{"consumer-1", 10}, {"consumer-3", 60}, {"consumer-5", 50}}));
  EXPECT_THAT(ids(), ElementsAre("consumer-3", "consumer-5"));
  ASSERT_TRUE(scale(1));
  EXPECT_THAT(ids(), ElementsAre("consumer-3"));
}

TEST_F(ProcessTargetTest, StopsFailingThenOutdatedOnesFirst) {
  options.care.longest_backoff = options.care.first_backoff = seconds(1000);
  run_shell("test -e fail.$DOCKTOR_REPLICA && exit 1; exec sleep 1000");
  dir.file("fail.consumer-2", "");
  start_target();
  ASSERT_TRUE(scale(3));
  ASSERT_TRUE(eventually(
      [&] { return find("consumer-2")->state == ReplicaState::kFailing && find("consumer-2")->pid == 0; }));
  auto newer = options.spec;
  newer.environment["GENERATION"] = "2";
  std::filesystem::remove(dir.path() / "fail.consumer-2");
  options.spec = newer;
  target.reset();
  start_target();
  ASSERT_TRUE(scale(3));  // consumer-2 is a new one
  ASSERT_TRUE(eventually([&] { return find("consumer-2")->state == ReplicaState::kReady; }));
  dir.file("fail.consumer-5", "");
  ASSERT_TRUE(scale(5));
  ASSERT_TRUE(eventually([&] {
    return find("consumer-5")->state == ReplicaState::kFailing &&
           find("consumer-4")->state == ReplicaState::kReady;
  }));
  EXPECT_THAT(find("consumer-1")->note, HasSubstr("outdated"));
  EXPECT_THAT(find("consumer-4")->note, testing::Not(HasSubstr("outdated")));
  const std::map<std::string, double> busy{
      {"consumer-1", 90}, {"consumer-2", 5}, {"consumer-3", 80}, {"consumer-4", 4}};
  const auto before = ids();
  ASSERT_TRUE(scale(4, busy));
  EXPECT_THAT(ids(), testing::Not(testing::Contains("consumer-5")));  // failing
  ASSERT_TRUE(scale(3, busy));
  EXPECT_THAT(ids(), testing::Not(testing::Contains("consumer-3")));  // outdated, less busy than 1
  ASSERT_TRUE(scale(2, busy));
  EXPECT_THAT(ids(), testing::Not(testing::Contains("consumer-1")));  // outdated, however busy
}

TEST_F(ProcessTargetTest, RefusesAnOrderOutsideItsBounds) {
  run_sleep();
  options.max_replicas = 3;
  start_target();
  EXPECT_EQ(scale(4).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(scale(-1).error().code, ErrorCode::kInvalid);
  EXPECT_THAT(scale(1'000'000).error().message,
              HasSubstr("refused an order for 1000000 replicas: outside 0 to 3"));
  EXPECT_THAT(report(), IsEmpty());
  EXPECT_TRUE(scale(3));
}

TEST_F(ProcessTargetTest, AnswersEachOfManyOrdersOnceAndEndsUpAtTheLast) {
  run_sleep();
  options.max_replicas = 20;
  const auto before = descriptors() + 1;  // the socket that replicas tell of themselves by
  start_target();
  std::mt19937 random(7);
  std::vector<Answer> answers(100);
  for (auto& a : answers)
    target->scale({std::uniform_int_distribution<int>(0, 20)(random), {}}, a.callback());
  EXPECT_EQ(scale(7).has_value(), true);
  for (auto& a : answers) {
    EXPECT_TRUE(a.wait());
    EXPECT_EQ(a.count(), 1);
  }
  ASSERT_TRUE(ready(7));
  EXPECT_EQ(marked.alive().size(), 7u);
  EXPECT_EQ(children(), 7u);                                             // no zombies
  EXPECT_TRUE(eventually([&] { return descriptors() == before + 7; }));  // the record's come and go
  ASSERT_TRUE(scale(0));
  ASSERT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_EQ(children(), 0u);
  EXPECT_TRUE(eventually([&] { return descriptors() == before; }));
}

TEST_F(ProcessTargetTest, StartsNewReplicasWhileOthersStop) {
  run_shell(
      "trap 'echo asked; while ! test -e go; do sleep 0.02; done; exit 0' TERM; echo up; while :; do sleep "
      "0.02; done");
  start_target();
  ASSERT_TRUE(scale(2));
  ASSERT_TRUE(
      eventually([&] { return lines_of("log/consumer-1.log") == 1 && lines_of("log/consumer-2.log") == 1; }));
  ASSERT_TRUE(scale(0));
  EXPECT_TRUE(all(ReplicaState::kStopping, 2));
  EXPECT_THAT(report()[0].note, MatchesRegex("SIGKILL in .*s"));
  ASSERT_TRUE(scale(1));
  EXPECT_THAT(ids(), ElementsAre("consumer-3"));
  ASSERT_TRUE(eventually([&] { return find("consumer-3")->state == ReplicaState::kReady; }));
  EXPECT_EQ(report().size(), 3u);
  dir.file("go", "");
  EXPECT_TRUE(ready(1));
}

TEST_F(ProcessTargetTest, AnswersWhatIsUnderWayWhenItEnds) {
  run_sleep();
  start_target();
  Answer answer;
  target->scale({options.max_replicas, {}}, answer.callback());  // a few at each turn of the thread
  target.reset();
  EXPECT_EQ(answer.wait().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(answer.count(), 1);
}

TEST_F(ProcessTargetTest, SurvivesTheLackOfDescriptors) {
  run_sleep();
  start_target();
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit few{static_cast<rlim_t>(descriptors() + 10), limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  const auto outcome = scale(50);
  EXPECT_TRUE(eventually([&] { return count(report()).failing > 0; }));
  EXPECT_EQ(count(report()).current, 50);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(outcome.error().retry);
  EXPECT_TRUE(ready(50));
  EXPECT_EQ(marked.alive().size(), 50u);
}

TEST_F(ProcessTargetTest, ChecksCommandDirectoryAndFolders) {
  run_sleep();
  const auto problems = [&] {
    std::string out;
    for (const auto& f : check_process_target(options)) {
      if (f.severity != Severity::kOk) out += f.what + " | " + f.cure + "\n";
    }
    return out;
  };
  EXPECT_EQ(problems(), "");
  start_target();
  EXPECT_EQ(target->check().size(), 4u);
  run_shell("exec no-such-worker --fast");
  EXPECT_THAT(problems(), HasSubstr("command no-such-worker: not found in PATH"));
  run_shell("sleep 5; no-such-worker");
  EXPECT_EQ(problems(), "");
  run_shell("$WORKER --fast");
  EXPECT_EQ(problems(), "");  // only a shell could tell
  options.spec.command = {"./worker"};
  EXPECT_THAT(problems(), HasSubstr("/worker: no such file | correct target.command"));
  options.spec.directory = dir.path() / "nowhere";
  EXPECT_THAT(problems(),
              HasSubstr("nowhere: No such file or directory | make it, or correct target.directory"));
  options.spec.directory = dir.file("file", "");
  EXPECT_THAT(problems(), HasSubstr("is a file"));
  options.spec.command.clear();
  EXPECT_THAT(problems(), HasSubstr("the command is empty | write the program to run"));
  options.log_directory = dir.path() / "file" / "log";
  run_sleep();
  EXPECT_THAT(problems(), HasSubstr("log folder"));
}

}  // namespace
}  // namespace docktor
