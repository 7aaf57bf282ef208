// Replicas outlive docktor: its end, its crash, a lost or spoilt record, a number that was used again.
#include <sys/wait.h>

#include <random>
#include <set>

#include "targets/process/process_record.h"
#include "targets/process/process_test_bench.h"

namespace docktor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Answer;
using test::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct ProcessAdoptionTest : test::ProcessBench {
  std::string record_path() const { return options.state_directory + "/consumer.replicas.json"; }

  std::map<std::string, std::int64_t> pids() {
    std::map<std::string, std::int64_t> out;
    for (const auto& r : report()) out[r.id] = r.pid;
    return out;
  }

  // A docktor of its own process, with `n` replicas ready, killed by SIGKILL in the midst of its work.
  void run_and_kill_docktor(int n) {
    SpawnOptions o;
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    o.command = {here / "process_host", dir.path(), std::to_string(n), marked.value()};
    o.environment = inherited_environment();
    const auto host = spawn(o);
    ASSERT_TRUE(host) << host.error().message;
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(dir.path() / "host-ready"); }));
    send_signal(host->pidfd, SIGKILL);
    ::waitpid(host->identity.pid, nullptr, 0);
    std::filesystem::remove(dir.path() / "host-ready");
  }
};

TEST_F(ProcessAdoptionTest, AdoptsWhatAnEarlierObjectLeft) {
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(3));
  ASSERT_TRUE(ready(3));
  const auto before = pids();
  target.reset();
  options.spec.ready_after = Duration::zero();
  start_target();
  EXPECT_EQ(pids(), before);
  EXPECT_TRUE(all(ReplicaState::kReady, 3));
  EXPECT_THAT(all_news(), HasSubstr("adopted 3 running replicas: consumer-1 (pid " +
                                    std::to_string(before.at("consumer-1"))));
  // Still our children: how they end is known.
  options.care.stable_after = Duration::zero();
  ::kill(static_cast<pid_t>(before.at("consumer-2")), SIGSEGV);
  EXPECT_TRUE(eventually([&] { return find("consumer-2")->restarts == 1; }));
  EXPECT_THAT(all_news(), HasSubstr("consumer-2: killed by SIGSEGV"));
  ASSERT_TRUE(scale(0));
  EXPECT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_THAT(marked.alive(), IsEmpty());
}

TEST_F(ProcessAdoptionTest, WaitsForReplicasThatNobodyTakesBack) {
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(1));
  const auto pid = static_cast<pid_t>(report()[0].pid);
  target.reset();
  ASSERT_TRUE(read_process_stat(pid));
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !read_process_stat(pid); })) << "a zombie is left";
}

TEST_F(ProcessAdoptionTest, AdoptsAfterDocktorWasKilled) {
  run_and_kill_docktor(3);
  ASSERT_EQ(marked.alive().size(), 3u);
  run_sleep();
  start_target();
  EXPECT_TRUE(ready(3));
  EXPECT_THAT(all_news(), HasSubstr("adopted 3 running replicas"));
  EXPECT_THAT(report()[0].note, "");
  EXPECT_EQ(*scale(3), "nothing to do, there are 3 replicas");
  // Not our children, but watched all the same.
  ::kill(static_cast<pid_t>(find("consumer-1")->pid), SIGKILL);
  EXPECT_TRUE(eventually([&] { return find("consumer-1")->restarts == 1; }));
  EXPECT_THAT(all_news(), HasSubstr("consumer-1: ended after"));
  ASSERT_TRUE(ready(3));
  ASSERT_TRUE(scale(1));
  EXPECT_TRUE(ready(1));
  EXPECT_EQ(marked.alive().size(), 1u);
}

TEST_F(ProcessAdoptionTest, FindsReplicasWithoutTheirRecord) {
  run_and_kill_docktor(2);
  std::filesystem::remove(record_path());
  run_sleep();
  start_target();
  EXPECT_TRUE(ready(2));
  EXPECT_THAT(ids(), testing::UnorderedElementsAre("consumer-1", "consumer-2"));
  EXPECT_THAT(report()[0].note, "");  // not outdated, either
  ASSERT_TRUE(scale(0));
  EXPECT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_THAT(marked.alive(), IsEmpty());
}

TEST_F(ProcessAdoptionTest, FindsReplicasThoughTheirRecordIsSpoilt) {
  for (const char* text :
       {"", "{", "[]", R"({"version": 1, "boot": "x", "replicas": [{"id": 7}]})",
        R"({"version": 1, "boot": "x", "replicas": [{"id": "consumer-1", "token": "", "pid": -1,
                               "start_ticks": 1, "restarts": 0, "fingerprint": "", "output": ""}]})",
        R"({"version": 99})", "\xff\xfe\x00"}) {
    run_and_kill_docktor(2);
    std::ofstream(record_path()) << text;
    run_sleep();
    start_target();
    EXPECT_TRUE(ready(2));
    EXPECT_THAT(all_news(), HasSubstr("consumer.replicas.json: spoilt"));
    EXPECT_TRUE(std::filesystem::exists(record_path() + ".bad"));
    ASSERT_TRUE(scale(0));
    ASSERT_TRUE(eventually([&] { return report().empty(); }));
    target.reset();
    supervisor->records().flush();
  }
}

TEST_F(ProcessAdoptionTest, FindsReplicasByTheRecordThoughThePoolsNameIsLost) {
  run_and_kill_docktor(2);
  std::filesystem::remove(options.state_directory + "/consumer.pool");
  run_sleep();
  start_target();
  EXPECT_TRUE(ready(2));
}

// What the next docktor finds the replicas by may be impossible to write at first, or be removed.
TEST_F(ProcessAdoptionTest, WritesItsFilesAgainOnceTheyCanBe) {
  namespace fs = std::filesystem;
  const std::string pool = options.state_directory + "/consumer.pool";
  fs::create_directories(pool + "/in-the-way");
  fs::create_directories(options.state_directory + "/identity/in-the-way");
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(2));
  ASSERT_TRUE(ready(2));
  const auto before = pids();
  fs::remove_all(pool);
  EXPECT_TRUE(eventually([&] { return fs::is_regular_file(pool); }));
  ASSERT_TRUE(eventually([&] {  // the writer may be at it just now
    std::error_code error;
    fs::remove_all(options.state_directory, error);
    return !error;
  }));
  EXPECT_TRUE(eventually([&] { return fs::is_regular_file(pool) && fs::is_regular_file(record_path()); }));
  // The record is lost, and docktor with it.
  target.reset();
  supervisor->records().flush();
  fs::remove(record_path());
  supervisor = std::make_unique<ProcessSupervisor>();
  start_target();
  EXPECT_EQ(pids(), before);
}

TEST_F(ProcessAdoptionTest, NeverTouchesAProcessThatHasARecordedNumber) {
  SpawnOptions o;
  o.command = {"sleep", "1000"};
  const auto foreign = spawn(o);
  ASSERT_TRUE(foreign);
  const auto recorded = [&](std::uint64_t ticks, const std::string& boot, bool stopping) {
    ProcessRecord record;
    record.boot = boot;
    RecordedReplica r;
    r.id = "consumer-1";
    r.token = "0123456789abcdef0123456789abcdef/consumer-1/f/r";
    r.process = {foreign->identity.pid, ticks};
    r.stopping = stopping;
    record.replicas.push_back(r);
    return to_text(record);
  };
  const auto ticks = foreign->identity.start_ticks;
  run_sleep();
  for (const bool stopping : {false, true}) {
    for (const auto& text :
         {recorded(ticks + 1, boot_id(), stopping), recorded(ticks - 1, boot_id(), stopping),
          recorded(ticks, "another-boot", stopping)}) {
      std::filesystem::create_directories(options.state_directory);
      std::ofstream(record_path()) << text;
      start_target();
      EXPECT_EQ(count(report()).current, 0);
      ASSERT_TRUE(scale(1));
      ASSERT_TRUE(ready(1));
      ASSERT_TRUE(scale(0));
      ASSERT_TRUE(eventually([&] { return report().empty(); }));
      EXPECT_FALSE(has_ended(foreign->pidfd));
      target.reset();
      supervisor->records().flush();
    }
  }
  EXPECT_THAT(news, testing::Contains(HasSubstr("ended while docktor was away: consumer-1")));
  EXPECT_THAT(news, testing::Contains(HasSubstr("the machine was started anew")));
  send_signal(foreign->pidfd, SIGKILL);
  ::waitpid(foreign->identity.pid, nullptr, 0);
}

TEST_F(ProcessAdoptionTest, NeverTakesAProcessWithAnotherToken) {
  SpawnOptions o;
  o.command = {"sleep", "1000"};
  o.environment["DOCKTOR_TOKEN"] = "00112233445566778899aabbccddeeff/consumer-1/f/other";
  const auto foreign = spawn(o);
  ASSERT_TRUE(foreign);
  ASSERT_TRUE(
      eventually([&] { return process_environment(foreign->identity.pid, "DOCKTOR_TOKEN").has_value(); }));
  ProcessRecord record;
  record.boot = boot_id();
  RecordedReplica r;
  r.id = "consumer-1";
  r.token = "fedcba9876543210fedcba9876543210/consumer-1/f/r";
  r.process = foreign->identity;
  record.replicas.push_back(r);
  std::filesystem::create_directories(options.state_directory);
  std::ofstream(record_path()) << to_text(record);
  run_sleep();
  start_target();
  EXPECT_THAT(report(), IsEmpty());
  target.reset();
  EXPECT_FALSE(has_ended(foreign->pidfd));
  send_signal(foreign->pidfd, SIGKILL);
  ::waitpid(foreign->identity.pid, nullptr, 0);
}

TEST_F(ProcessAdoptionTest, GoesOnStoppingWhatWasBeingStopped) {
  options.spec.stop_grace_period = seconds(1);
  run_shell("trap 'echo told' TERM; echo up; while :; do sleep 0.02; done");
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(eventually([&] { return lines_of("log/consumer-1.log") == 1; }));
  ASSERT_TRUE(scale(0));
  ASSERT_TRUE(eventually([&] { return lines_of("log/consumer-1.log") == 2; }));
  target.reset();
  start_target();
  EXPECT_TRUE(all(ReplicaState::kStopping, 1));
  EXPECT_EQ(count(report()).current, 0);
  EXPECT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_THAT(all_news(), HasSubstr("killed"));
  EXPECT_EQ(text_of("log/consumer-1.log"), "up\ntold\n");  // told once
}

TEST_F(ProcessAdoptionTest, EndsWhatAReplicaLeftBehindWhileDocktorWasAway) {
  run_shell(
      "exec 2>/dev/null; (trap 'echo told; exit 0' TERM; echo up; while :; do sleep 0.02; done) & while :; "
      "do sleep 0.02; "
      "done");
  start_target();
  ASSERT_TRUE(scale(1));
  ASSERT_TRUE(eventually([&] { return lines_of("log/consumer-1.log") == 1; }));
  const auto pid = static_cast<pid_t>(report()[0].pid);
  target.reset();
  ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !read_process_stat(pid); }));
  start_target();
  EXPECT_EQ(count(report()).current, 0);
  EXPECT_TRUE(eventually([&] { return report().empty(); }));
  EXPECT_THAT(all_news(), HasSubstr("ended while docktor was away: consumer-1"));
  EXPECT_EQ(text_of("log/consumer-1.log"), "up\ntold\n");
  EXPECT_THAT(marked.alive(), IsEmpty());
}

TEST_F(ProcessAdoptionTest, FindsReplicasThoughTheDiskWasFull) {
  run_sleep();
  start_target();
  supervisor->records().flush();
  // Nothing can be written beside the record: as a full disk, but for root, too.
  std::filesystem::create_directory(record_path() + ".new");
  ASSERT_TRUE(scale(2));
  ASSERT_TRUE(ready(2));
  EXPECT_TRUE(eventually(
      [&] { return all_news().find("⚠ the record of replicas cannot be written") != std::string::npos; }));
  target.reset();
  supervisor = std::make_unique<ProcessSupervisor>();  // what was in memory only is gone
  news.clear();
  start_target();
  EXPECT_TRUE(ready(2));
  EXPECT_THAT(ids(), testing::UnorderedElementsAre("consumer-1", "consumer-2"));
  EXPECT_TRUE(eventually(
      [&] { return all_news().find("⚠ the record of replicas cannot be written") != std::string::npos; }));
  std::filesystem::remove(record_path() + ".new");
  EXPECT_TRUE(eventually(
      [&] { return all_news().find("the record of replicas is written again") != std::string::npos; }));
  EXPECT_EQ(record_from_text(*supervisor->records().read(record_path()))->replicas.size(), 2u);
}

TEST_F(ProcessAdoptionTest, EndsUpWithWhatIsWantedWhateverHappens) {
  options.care.stable_after = milliseconds(100);
  options.spec.stop_grace_period = milliseconds(300);
  run_shell("trap 'exit 0' TERM; sleep 1000 & while :; do sleep 0.02; done");
  for (unsigned seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto any = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
    std::vector<Answer> answers;
    start_target();
    for (int step = 0; step < 60; ++step) {
      switch (any(8)) {
        case 0: {
          const auto alive = marked.alive();  // leaders and their children
          if (!alive.empty())
            send_signal(open_process(alive[any(static_cast<int>(alive.size()))].identity), SIGKILL);
          break;
        }
        case 1:
          target.reset();
          if (any(2)) supervisor = std::make_unique<ProcessSupervisor>();
          if (any(2)) {
            supervisor->records().flush();
            std::filesystem::remove(record_path());
          }
          start_target();
          break;
        case 2:
          (void)eventually([&] { return count(report()).ready > 0; }, milliseconds(50));
          break;
        default:
          target->scale({any(9), {}}, answers.emplace_back().callback());
      }
    }
    ASSERT_TRUE(scale(5));
    for (auto& a : answers) {
      EXPECT_TRUE(a.wait() || a.count() == 1);  // an error, where the target went
      EXPECT_EQ(a.count(), 1);
    }
    EXPECT_TRUE(ready(5));
    // One that has ended with 0 counts as ready until it runs again a moment later, without a process meanwhile.
    std::set<std::int64_t> leaders;
    EXPECT_TRUE(eventually([&] {
      leaders.clear();
      for (const auto& r : report()) leaders.insert(r.pid);
      return leaders.size() == 5u && !leaders.contains(0);
    }));
    EXPECT_TRUE(eventually([&] {
      return std::ranges::all_of(marked.alive(),
                                 [&](const ProcessStat& s) { return leaders.contains(s.group); });
    })) << "a process that no replica owns";
    ASSERT_TRUE(scale(0));
    EXPECT_TRUE(eventually([&] { return report().empty() && marked.alive().empty(); }));
    target.reset();
  }
}

TEST_F(ProcessAdoptionTest, KeepsTheServicesOfOneFolderApart) {
  run_sleep();
  start_target();
  ASSERT_TRUE(scale(2));
  auto other = options;
  other.service = "producer/../x y";
  ProcessTarget second(other, *supervisor, clock);
  Answer answer;
  second.scale({1, {}}, answer.callback());
  EXPECT_EQ(*answer.wait(), "started 1: producer/../x y-1");
  target.reset();
  start_target();
  EXPECT_EQ(report().size(), 2u);
  EXPECT_EQ(second.report().replicas.size(), 1u);
}

}  // namespace
}  // namespace docktor
