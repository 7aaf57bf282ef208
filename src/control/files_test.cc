// Journal, state, paths and locks on a real disk.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "control/file_journal.h"
#include "control/lock.h"
#include "control/paths.h"
#include "control/state_store.h"
#include "os/atomic_file.h"

namespace docktor {
namespace {
namespace fs = std::filesystem;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string pattern = (fs::temp_directory_path() / "docktor-files-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~FilesTest() override { fs::remove_all(folder); }

  std::vector<int> numbers(const std::string& path) {
    std::vector<int> out;
    const auto read = read_journal(path, [&](const auto& r) {
      out.push_back(r.value("n", -1));
      return true;
    });
    EXPECT_TRUE(read);
    return out;
  }

  std::string folder;
};

nlohmann::ordered_json entry(int n) { return {{"n", n}, {"text", std::string(80, 'x')}}; }

TEST_F(FilesTest, TheJournalRotatesBySizeAndReadsInOrder) {
  const std::string path = folder + "/j";
  FileJournal journal({.path = path, .max_bytes = 400, .files = 3});
  std::set<std::uint64_t> files;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(journal.append(entry(i)));
    files.insert(journal.file());
  }
  EXPECT_EQ(files.size(), 3u) << "each new file is told";
  EXPECT_TRUE(fs::exists(path + ".1"));
  EXPECT_FALSE(fs::exists(path + ".4"));
  const auto all = numbers(path);
  EXPECT_EQ(all.back(), 9);
  const auto tail = read_journal_tail(path, 5, [](const auto&) { return true; });
  ASSERT_EQ(tail.size(), 5u);
  EXPECT_EQ(tail.front()["n"], 5);
  EXPECT_EQ(tail.back()["n"], 9);
}

// A state as large as a file may be, of each of some services at each start: decisions stay, and not by
// writing without bound.
TEST_F(FilesTest, LargeSnapshotsDoNotPushTheHistoryOut) {
  const std::string path = folder + "/j";
  int n = 0;
  for (int start = 0; start < 3; ++start) {
    FileJournal journal({.path = path, .max_bytes = 20'000, .files = 8});
    for (int i = 0; i < 4; ++i)
      ASSERT_TRUE(journal.append({{"event", "start"}, {"state", std::string(6000, 's')}}));
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(journal.append(entry(n++)));
  }
  const auto all = numbers(path);
  EXPECT_EQ(std::ranges::count_if(all, [](int v) { return v >= 0; }), n) << "no decision was lost";
  for (int i = 0; i < 40; ++i) {
    FileJournal journal({.path = path, .max_bytes = 20'000, .files = 8});
    for (int k = 0; k < 4; ++k)
      ASSERT_TRUE(journal.append({{"event", "snapshot"}, {"state", std::string(6000, 's')}}));
  }
  std::uintmax_t total = 0;
  for (const auto& f : fs::directory_iterator(folder)) total += f.file_size();
  EXPECT_LE(total, 2 * 9 * 20'000u + 96'000u);
}

TEST_F(FilesTest, AJournalWhoseFolderIsRemovedIsBegunAnew) {
  const std::string path = folder + "/log/j";
  FileJournal journal({.path = path});
  ASSERT_TRUE(journal.append(entry(1)));
  const auto file = journal.file();
  fs::remove_all(folder + "/log");
  ASSERT_TRUE(journal.append(entry(2)));
  EXPECT_EQ(numbers(path), (std::vector<int>{2}));
  EXPECT_NE(journal.file(), file) << "whoever writes knows that nothing stands before";
}

TEST_F(FilesTest, HalfALineOfACrashIsSkippedAndEnded) {
  const std::string path = folder + "/j";
  std::ofstream(path) << "{\"n\":1}\n{\"n\":2,\"te";
  FileJournal journal({.path = path});
  ASSERT_TRUE(journal.append(entry(3)));
  EXPECT_EQ(numbers(path), (std::vector<int>{1, 3}));
}

TEST_F(FilesTest, AJournalThatIsMovedAwayIsBegunAnew) {
  const std::string path = folder + "/j";
  FileJournal journal({.path = path, .look_every = std::chrono::milliseconds(0)});
  ASSERT_TRUE(journal.append(entry(1)));
  fs::rename(path, folder + "/moved");
  ASSERT_TRUE(journal.append(entry(2)));
  EXPECT_EQ(numbers(path), (std::vector<int>{2}));
  fs::remove(path);
  FileJournal seldom({.path = path, .look_every = std::chrono::hours(1)});
  ASSERT_TRUE(seldom.append(entry(3)));
  ASSERT_TRUE(seldom.append(entry(4)));
  fs::remove(path);
  ASSERT_TRUE(seldom.append(entry(5)));
  EXPECT_EQ(numbers(path), (std::vector<int>{5}))
      << "what is written into a removed file is lost: seen at once";
}

// A file-size limit stands for a full disk: the write ends in the middle of a line.
TEST_F(FilesTest, AFullDiskGivesAnErrorAndNeverHalfARecord) {
  const std::string path = folder + "/j";
  FileJournal journal({.path = path});
  ASSERT_TRUE(journal.append(entry(1)));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{fs::file_size(path) + 20, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto r = journal.append(entry(2));
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_FALSE(r);
  EXPECT_TRUE(r.error().retry);
  ASSERT_TRUE(journal.append(entry(3)));
  EXPECT_EQ(numbers(path), (std::vector<int>{1, 3}));
}

TEST_F(FilesTest, AtomicWritesKeepTheOldFileOnFailure) {
  const std::string path = folder + "/f";
  ASSERT_TRUE(write_atomically(path, "old"));
  ASSERT_TRUE(write_atomically(folder + "/none/f", "new")) << "a folder that was removed is made anew";
  ASSERT_FALSE(write_atomically(path + "/f", "new"));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{4, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto r = write_atomically(path, "much too long");
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_FALSE(r);
  EXPECT_EQ(read_file(path, 100).value(), "old");
  EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(FilesTest, StateSurvivesAndDamageIsNoState) {
  StateStore store(folder);
  EXPECT_TRUE(store.load("a/b").is_null());
  ASSERT_TRUE(store.save("a/b", {{"x", 1}}));
  ASSERT_TRUE(store.save("a_b", {{"x", 2}}));
  EXPECT_EQ(store.load("a/b")["x"], 1) << "names that look alike on disk are kept apart";
  store.flush();
  EXPECT_EQ(StateStore(folder).load("a_b")["x"], 2);
  for (const auto& f : fs::directory_iterator(folder)) std::ofstream(f.path()) << "{\"x\":";
  EXPECT_FALSE(store.load("a/b").is_object());
}

TEST_F(FilesTest, StateIsWrittenBehindTheBackOfWhoSavesIt) {
  std::ofstream(folder + "/not") << "a file stands in the way";
  {
    StateStore store(folder + "/not/there");
    EXPECT_TRUE(store.save("s", {{"x", 1}})) << "nobody waits for the disk";
    store.flush();
    const auto kept = store.on_disk("s", std::chrono::seconds(1));
    ASSERT_FALSE(kept) << "whoever waits is told of his own";
    EXPECT_NE(kept.error().message.find(folder + "/not"), std::string::npos);
    const auto later = store.save("s", {{"x", 2}});
    ASSERT_FALSE(later) << "what went wrong is told with the next save";
    EXPECT_NE(later.error().message.find(folder + "/not"), std::string::npos);
    EXPECT_NE(store.trouble().find(folder + "/not"), std::string::npos) << store.trouble();
    store.flush();
    fs::remove(folder + "/not");
    EXPECT_FALSE(store.save("s", {{"x", 3}}));
    store.flush();
    EXPECT_EQ(store.trouble(), "");
    EXPECT_TRUE(store.save("s", {{"x", 4}})) << "there is room again";
    EXPECT_EQ(store.load("s")["x"], 4) << "before it is on disk";
    EXPECT_TRUE(store.on_disk("s", std::chrono::minutes(1)));
    EXPECT_EQ(StateStore(folder + "/not/there").load("s")["x"], 4);
  }
  EXPECT_EQ(StateStore(folder + "/not/there").load("s")["x"], 4) << "the end writes what waits";
}

TEST_F(FilesTest, ThousandsOfStatesAreOnDiskSoonAndAFolderThatWasRemovedIsMadeAnew) {
  const std::string states = folder + "/states";
  {
    StateStore store(states);
    for (int i = 0; i < 2000; ++i) (void)store.save("s" + std::to_string(i), {{"n", i}});
  }
  StateStore store(states);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(store.load("s" + std::to_string(i))["n"], i);
}

TEST_F(FilesTest, ALockThatWasRemovedIsSetAgainUnlessAnotherHasIt) {
  const std::string path = folder + "/run/lock";
  fs::create_directories(folder + "/run");
  auto first = FileLock::take(path, {{"pid", 1}});
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->lost());
  fs::remove_all(folder + "/run");
  EXPECT_TRUE(first->lost());
  ASSERT_TRUE(first->renew());
  EXPECT_FALSE(first->lost());
  EXPECT_EQ((*FileLock::holder(path))["pid"], 1);
  fs::remove(path);
  const auto second = FileLock::take(path, {{"pid", 2}});
  ASSERT_TRUE(second);
  const auto lost = first->renew();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kConflict);
}

TEST_F(FilesTest, ALockIsHeldOnceAndTellsItsHolder) {
  const std::string path = folder + "/lock";
  EXPECT_FALSE(FileLock::holder(path));
  {
    const auto lock = FileLock::take(path, {{"pid", 42}, {"config", "x.yaml"}});
    ASSERT_TRUE(lock);
    EXPECT_EQ(FileLock::holder(path)->value("pid", 0), 42);
    const auto second = FileLock::take(path, {{"pid", 43}});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kConflict);
    EXPECT_EQ(second.error().message, "held by pid 42 (x.yaml)");
  }
  EXPECT_FALSE(FileLock::holder(path));
  EXPECT_TRUE(FileLock::take(path, {{"pid", 43}}));
}

TEST_F(FilesTest, ASpoiltNoteInALockIsNoNote) {
  const std::string path = folder + "/lock";
  const auto lock = FileLock::take(path, {{"pid", 42}, {"config", "x.yaml"}});
  ASSERT_TRUE(lock);
  for (const char* note : {"", "garbage", "[1]", R"({"pid":"x","config":7})"}) {
    std::ofstream(path) << note;
    const auto held = FileLock::holder(path);
    ASSERT_TRUE(held) << "held it is, whatever stands in it";
    EXPECT_EQ(held->value("pid", 0), 0);
    EXPECT_EQ(held->value("config", ""), "");
    EXPECT_FALSE(FileLock::take(path, {{"pid", 43}}));
  }
}

TEST(Folders, FollowXdgAndTheSystemForRoot) {
  std::map<std::string, std::string> env{{"HOME", "/home/u"}, {"XDG_RUNTIME_DIR", "/run/user/7"}};
  const auto get = [&](const char* k) { return env.contains(k) ? env[k].c_str() : nullptr; };
  const auto user = find_folders(get, false);
  EXPECT_EQ(user->state, "/home/u/.local/state/docktor");
  EXPECT_EQ(user->runtime, "/run/user/7/docktor");
  EXPECT_EQ(user->log, "/home/u/.local/state/docktor/log");
  EXPECT_EQ(find_folders(get, true)->runtime, "/run/docktor");
  env["DOCKTOR_LOG_DIR"] = "/elsewhere";
  EXPECT_EQ(find_folders(get, true)->log, "/elsewhere");
  env = {{"XDG_STATE_HOME", "relative"}};
  EXPECT_FALSE(find_folders(get, false));
}

TEST(Instances, AreTheConfigurationsPath) {
  const Folders f{"/s", "/r", "/l"};
  const auto a = instance_of(f, "/etc/nats-multi/docktor.yaml");
  const auto b = instance_of(f, "/srv/nats-multi/docktor.yaml");
  EXPECT_NE(a.name, b.name);
  EXPECT_TRUE(a.name.starts_with("nats-multi-"));
  EXPECT_EQ(instance_of(f, "/etc/x/../nats-multi/docktor.yaml").name, a.name);
}

}  // namespace
}  // namespace docktor
